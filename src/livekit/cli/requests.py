"""Requests to a server's RoomService, with failures turned into messages and exit codes."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from livekit._util.loopback import is_loopback_url
from livekit.errors import (
    AuthenticationError,
    ConnectError,
    ConnectTimeoutError,
    NotLiveKitError,
    ServerUnreachableError,
)

from .exits import CommandError, ExitCode

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from livekit.backend.twirp import TwirpEndpoint, TwirpError
    from livekit.protocol import models

    M = TypeVar("M", bound=Message)

MAX_NAMED = 20
"""Participants named in a message."""
TIMEOUT = 15.0
"""Seconds for a request other than an RPC call."""

_EXIT_CODES: tuple[tuple[type[ConnectError], ExitCode], ...] = (
    (AuthenticationError, ExitCode.REFUSED),
    (ConnectTimeoutError, ExitCode.TIMEOUT),
    (ServerUnreachableError, ExitCode.UNREACHABLE),
    (NotLiveKitError, ExitCode.UNREACHABLE),
)


def call_service(
    endpoint: TwirpEndpoint, method: str, message: Message, response_type: type[M], grants: Mapping[str, object]
) -> M:
    """Call a method of a server's RoomService. Raises CommandError."""
    from livekit.backend.http import post
    from livekit.backend.sync import run_sync
    from livekit.backend.twirp import TwirpError, parse_response

    request = endpoint.request(method, message, grants)
    with command_errors(endpoint.url):
        try:
            return parse_response(request, run_sync(post(request, TIMEOUT)), response_type)
        except TwirpError as error:
            raise _command_error(error) from error
        except TimeoutError as error:
            raise CommandError(f"{endpoint.url} did not respond within {TIMEOUT:.0f} s", ExitCode.TIMEOUT) from error


def participants_of(endpoint: TwirpEndpoint, room: str) -> list[models.ParticipantInfo]:
    """Return a room's participants by identity. Raises CommandError, also if there is no such room."""
    from livekit.protocol import room as room_pb

    request = room_pb.ListParticipantsRequest(room=room)
    response = call_service(endpoint, "ListParticipants", request, room_pb.ListParticipantsResponse, admin_of(room))
    if not response.participants:  # LiveKit servers return an empty list for a missing room
        listing = room_pb.ListRoomsRequest(names=[room])
        if not call_service(endpoint, "ListRooms", listing, room_pb.ListRoomsResponse, {"roomList": True}).rooms:
            raise no_such_room(room)
    return sorted(response.participants, key=lambda participant: participant.identity)


def identities_in(endpoint: TwirpEndpoint, room: str, required: Sequence[str] = ()) -> list[str]:
    """Return the identities of a room's participants, sorted.

    Raises:
        CommandError: also if there is no such room, or if one of the `required` participants is not in it.
    """
    present = [participant.identity for participant in participants_of(endpoint, room)]
    for identity in required:
        if identity not in present:
            raise CommandError(absence(identity, room, present), ExitCode.NOT_FOUND)
    return present


def admin_of(room: str) -> dict[str, object]:
    """Return the grants for managing a room."""
    return {"roomAdmin": True, "room": room}


def no_such_room(room: str) -> CommandError:
    return CommandError(f"no such room: {room!r}; `livekit room list` lists the rooms", ExitCode.NOT_FOUND)


def absence(identity: str, room: str, present: Sequence[str]) -> str:
    """Return the message for a participant that is not among those present."""
    shown = ", ".join(map(repr, present[:MAX_NAMED]))
    rest = f" and {len(present) - MAX_NAMED} more" if len(present) > MAX_NAMED else ""
    return f"no participant {identity!r} in room {room!r}, which has {shown or 'no participants'}{rest}"


@contextlib.contextmanager
def command_errors(url: str) -> Generator[None]:
    """Turn a ConnectError into a CommandError."""
    try:
        yield
    except ConnectError as error:
        code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.FAILED)
        hint = ""
        if isinstance(error, ServerUnreachableError) and is_loopback_url(url):
            hint = " `livekit dev` starts a server; LIVEKIT_URL or --url selects another one."
        raise CommandError(f"{error}{hint}", code) from error


def _command_error(error: TwirpError) -> CommandError:
    from livekit.backend.error_text import strip_twirp_prefix

    code = {"not_found": ExitCode.NOT_FOUND, "permission_denied": ExitCode.REFUSED}.get(error.code, ExitCode.FAILED)
    return CommandError(strip_twirp_prefix(error.message) or error.code, code)
