"""One RPC call from a backend: its `PerformRpc` request, and the meaning of the response. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

from livekit.protocol.room import PerformRpcRequest, PerformRpcResponse
from livekit.rpc.client import DEFAULT_RESPONSE_TIMEOUT
from livekit.rpc.errors import RpcArgumentTypeError, RpcError, add_call_note, reason
from livekit.rpc.invocation import RpcCallInfo
from livekit.rpc.local_rpc import check_arguments

from .error_text import ParsedError, parse_error_text, strip_twirp_prefix
from .errors import BackendRpcError, BackendTimeoutError, RecipientNotFoundError
from .twirp import TwirpEndpoint, TwirpError, TwirpRequest, TwirpResponse, parse_response

_E = TypeVar("_E", bound=BackendRpcError)

MAX_TIMEOUT_MS = 2**32 - 1

_Code = RpcError.ErrorCode
_ERROR_CLASSES: dict[int, type[BackendRpcError]] = {
    _Code.RECIPIENT_NOT_FOUND: RecipientNotFoundError,
    _Code.CONNECTION_TIMEOUT: BackendTimeoutError,
    _Code.RESPONSE_TIMEOUT: BackendTimeoutError,
}
_CODES_BY_TWIRP_CODE = {
    "not_found": _Code.RECIPIENT_NOT_FOUND,
    "deadline_exceeded": _Code.RESPONSE_TIMEOUT,
    "bad_route": _Code.UNSUPPORTED_SERVER,
    "unimplemented": _Code.UNSUPPORTED_SERVER,
}
"""RPC error codes of Twirp errors without an RpcError text; any other is SEND_FAILED."""
_NO_RESPONDERS = "no response from servers"
"""LiveKit server's error text, after 3 s, if the room or the participant does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendCall:
    """A call with validated arguments."""

    room: str
    info: RpcCallInfo

    @classmethod
    def create(cls, room: object, info: RpcCallInfo) -> BackendCall:
        """Validate the arguments of a call.

        Raises:
            ValueError: an invalid argument; also a TypeError if its type is wrong.
        """
        if not isinstance(room, str):
            raise RpcArgumentTypeError(f"room must be a str, not {type(room).__name__}")
        if not room:
            raise ValueError("room must not be empty")
        check_arguments(info)
        return cls(room=room, info=info)

    @property
    def timeout(self) -> float:
        """Seconds for the whole call."""
        return DEFAULT_RESPONSE_TIMEOUT if self.info.response_timeout is None else self.info.response_timeout

    def request(self, endpoint: TwirpEndpoint) -> TwirpRequest:
        """Return the request. Raises ValueError: a text cannot be encoded as UTF-8."""
        message = PerformRpcRequest(
            room=self.room,
            destination_identity=self.info.destination_identity,
            method=self.info.method,
            payload=self.info.payload,
            response_timeout_ms=min(math.ceil(self.timeout * 1000), MAX_TIMEOUT_MS),
        )
        return endpoint.request("PerformRpc", message, {"roomAdmin": True, "room": self.room})

    def parse_response(self, request: TwirpRequest, response: TwirpResponse) -> str:
        """Return the handler's response.

        Raises:
            BackendRpcError: the call failed.
            ConnectError: the server rejected the key, is not a LiveKit server, or is unavailable.
        """
        try:
            return parse_response(request, response, PerformRpcResponse).payload
        except TwirpError as error:
            raise self._noted(self._rpc_error(error)) from None

    def timeout_error(self) -> BackendTimeoutError:
        """Return the error for a server that did not respond in time."""
        return self._noted(BackendTimeoutError(_Code.RESPONSE_TIMEOUT, RpcError.ErrorMessage[_Code.RESPONSE_TIMEOUT]))

    def _noted(self, error: _E) -> _E:
        add_call_note(error, self.info.method, self.info.destination_identity)
        return error

    def _rpc_error(self, error: TwirpError) -> BackendRpcError:
        parsed = _parse_meta(error) or parse_error_text(error.message)
        if parsed is not None:
            code = _Code(parsed.code) if parsed.code in RpcError.ErrorMessage else parsed.code
            return _error_class(code)(
                code, parsed.message, parsed.data, raw=error.message, exact=parsed.exact, retry_after=error.retry_after
            )
        code = _code_of(error)
        cause = f"no participant {self.info.destination_identity!r} in room {self.room!r}, or no such room"
        if code != _Code.RECIPIENT_NOT_FOUND:
            cause = strip_twirp_prefix(error.message) or error.code
        message = f"{RpcError.ErrorMessage[code]}: {cause}"
        return _error_class(code)(code, message, reason(error.code), raw=error.message, retry_after=error.retry_after)


def _error_class(code: int) -> type[BackendRpcError]:
    return _ERROR_CLASSES.get(code, BackendRpcError)


def _code_of(error: TwirpError) -> RpcError.ErrorCode:
    if error.status == 413:
        return _Code.REQUEST_PAYLOAD_TOO_LARGE
    if error.message.endswith(_NO_RESPONDERS):
        return _Code.RECIPIENT_NOT_FOUND
    return _CODES_BY_TWIRP_CODE.get(error.code, _Code.SEND_FAILED)


def _parse_meta(error: TwirpError) -> ParsedError | None:
    """Return code, message and data from Twirp's `meta`, where the embedded server sends them separately."""
    code = error.meta.get("code", "")
    if not (code.isascii() and code.isdecimal() and len(code) <= 10):
        return None
    return ParsedError(int(code), error.meta.get("message", ""), error.meta.get("data") or None, exact=True)
