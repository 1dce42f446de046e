"""Requests to a server's RoomService, with failures turned into messages and exit codes."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, TypeVar

from livekit.errors import (
    AuthenticationError,
    ConnectError,
    ConnectTimeoutError,
    NotLiveKitError,
    ServerUnreachableError,
)

from .exits import CommandError, ExitCode
from .settings import is_loopback

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from livekit.backend.twirp import TwirpEndpoint, TwirpError

    M = TypeVar("M", bound=Message)

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


@contextlib.contextmanager
def command_errors(url: str) -> Generator[None]:
    """Turn a ConnectError into a CommandError."""
    try:
        yield
    except ConnectError as error:
        code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.FAILED)
        hint = ""
        if isinstance(error, ServerUnreachableError) and is_loopback(url):
            hint = " `livekit dev` starts a server; LIVEKIT_URL or --url selects another one."
        raise CommandError(f"{error}{hint}", code) from error


def _command_error(error: TwirpError) -> CommandError:
    from livekit.backend.error_text import strip_twirp_prefix

    code = {"not_found": ExitCode.NOT_FOUND, "permission_denied": ExitCode.REFUSED}.get(error.code, ExitCode.FAILED)
    return CommandError(strip_twirp_prefix(error.message) or error.code, code)
