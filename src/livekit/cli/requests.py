"""Asking a server, and ending the command in words and with an exit code when that fails."""

from __future__ import annotations

import contextlib
import http.client
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
from .settings import is_here

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from livekit.backend.twirp import Server, ServiceError

    M = TypeVar("M", bound=Message)

TIMEOUT = 15.0
"""Seconds for a request that is no call."""

_EXITS: tuple[tuple[type[ConnectError], ExitCode], ...] = (
    (AuthenticationError, ExitCode.REFUSED),
    (ConnectTimeoutError, ExitCode.TIMEOUT),
    (ServerUnreachableError, ExitCode.UNREACHABLE),
    (NotLiveKitError, ExitCode.UNREACHABLE),
)


def ask(server: Server, method: str, message: Message, answer: type[M], grants: Mapping[str, object]) -> M:
    """Ask a server's RoomService. Raises CommandError."""
    from livekit.backend.blocking import post
    from livekit.backend.client import unreachable
    from livekit.backend.twirp import ServiceError, read_answer

    request = server.request(method, message, grants)
    with command_errors(server.url):
        try:
            return read_answer(request, *post(request, TIMEOUT), answer)
        except ServiceError as error:
            raise _service_error(error) from error
        except TimeoutError as error:
            raise CommandError(f"{server.url} did not answer within {TIMEOUT:.0f} s", ExitCode.TIMEOUT) from error
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(error, request) from error


@contextlib.contextmanager
def command_errors(url: str) -> Generator[None]:
    """Turn a ConnectError into a CommandError."""
    try:
        yield
    except ConnectError as error:
        code = next((code for kind, code in _EXITS if isinstance(error, kind)), ExitCode.FAILED)
        hint = ""
        if isinstance(error, ServerUnreachableError) and is_here(url):
            hint = " `livekit dev` starts a server here; LIVEKIT_URL or --url names another."
        raise CommandError(f"{error}{hint}", code) from error


def _service_error(error: ServiceError) -> CommandError:
    from livekit.backend.error_text import strip_twirp_prefix

    code = {"not_found": ExitCode.NOT_FOUND, "permission_denied": ExitCode.REFUSED}.get(error.code, ExitCode.FAILED)
    return CommandError(strip_twirp_prefix(error.message) or error.code, code)
