"""One call from a backend: what the server is asked, and what its answers mean. Without I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass

from livekit.protocol.room import PerformRpcRequest, PerformRpcResponse
from livekit.rpc.client import DEFAULT_RESPONSE_TIMEOUT
from livekit.rpc.errors import RpcArgumentTypeError, RpcError, reason
from livekit.rpc.invocation import RpcCallInfo
from livekit.rpc.local_rpc import check_arguments

from .error_text import ErrorText, parse_error_text, strip_twirp_prefix
from .errors import BackendRpcError, BackendTimeoutError, RecipientNotFoundError
from .twirp import Request, Server, ServiceError, read_answer

MAX_TIMEOUT_MS = 2**32 - 1

_Code = RpcError.ErrorCode
_KINDS: dict[int, type[BackendRpcError]] = {
    _Code.RECIPIENT_NOT_FOUND: RecipientNotFoundError,
    _Code.CONNECTION_TIMEOUT: BackendTimeoutError,
    _Code.RESPONSE_TIMEOUT: BackendTimeoutError,
}
_SERVICE_CODES = {
    "not_found": _Code.RECIPIENT_NOT_FOUND,
    "deadline_exceeded": _Code.RESPONSE_TIMEOUT,
    "bad_route": _Code.UNSUPPORTED_SERVER,
    "unimplemented": _Code.UNSUPPORTED_SERVER,
}
"""What errors of the service mean for a call; any other is SEND_FAILED."""
_NOBODY_ANSWERED = "no response from servers"
"""What a LiveKit server says, after 3 s, when it has no such room or participant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendCall:
    """A call that is about to be made."""

    room: str
    info: RpcCallInfo

    @classmethod
    def checked(cls, room: object, info: RpcCallInfo) -> BackendCall:
        """Raises ValueError, which is a TypeError too where a type is wrong."""
        if not isinstance(room, str):
            raise RpcArgumentTypeError(f"room must be a str, not {type(room).__name__}")
        if not room:
            raise ValueError("room must not be empty")
        check_arguments(info)
        return cls(room=room, info=info)

    @property
    def timeout(self) -> float:
        """Seconds from asking to the answer."""
        return DEFAULT_RESPONSE_TIMEOUT if self.info.response_timeout is None else self.info.response_timeout

    def request(self, server: Server) -> Request:
        """What the server is asked. Raises ValueError: a text cannot be UTF-8."""
        message = PerformRpcRequest(
            room=self.room,
            destination_identity=self.info.destination_identity,
            method=self.info.method,
            payload=self.info.payload,
            response_timeout_ms=min(math.ceil(self.timeout * 1000), MAX_TIMEOUT_MS),
        )
        return server.request("PerformRpc", message, {"roomAdmin": True, "room": self.room})

    def answer(self, request: Request, status: int, body: bytes) -> str:
        """What the handler returned.

        Raises:
            BackendRpcError: the call failed.
            ConnectError: the server refused the key, or is none, or cannot be asked now.
        """
        try:
            return read_answer(request, status, body, PerformRpcResponse).payload
        except ServiceError as error:
            raise self._failure(error) from None

    def timed_out(self) -> BackendTimeoutError:
        """The server did not answer in time."""
        return BackendTimeoutError(_Code.RESPONSE_TIMEOUT, RpcError.ErrorMessage[_Code.RESPONSE_TIMEOUT])

    def _failure(self, error: ServiceError) -> BackendRpcError:
        told = _read_meta(error) or parse_error_text(error.message)
        if told is not None:
            code = _Code(told.code) if told.code in RpcError.ErrorMessage else told.code
            return _kind(code)(code, told.message, told.data, raw=error.message, exact=told.exact)
        code = _service_code(error)
        why = f"no participant {self.info.destination_identity!r} in room {self.room!r}, or no such room"
        if code != _Code.RECIPIENT_NOT_FOUND:
            why = strip_twirp_prefix(error.message) or error.code
        return _kind(code)(code, f"{RpcError.ErrorMessage[code]}: {why}", reason(error.code), raw=error.message)


def _kind(code: int) -> type[BackendRpcError]:
    return _KINDS.get(code, BackendRpcError)


def _service_code(error: ServiceError) -> RpcError.ErrorCode:
    if error.status == 413:
        return _Code.REQUEST_PAYLOAD_TOO_LARGE
    if error.message.endswith(_NOBODY_ANSWERED):
        return _Code.RECIPIENT_NOT_FOUND
    return _SERVICE_CODES.get(error.code, _Code.SEND_FAILED)


def _read_meta(error: ServiceError) -> ErrorText | None:
    """The embedded server tells code, message and data each by itself."""
    code = error.meta.get("code", "")
    if not (code.isascii() and code.isdecimal() and len(code) <= 10):
        return None
    return ErrorText(int(code), error.meta.get("message", ""), error.meta.get("data") or None, exact=True)
