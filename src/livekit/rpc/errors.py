"""The official SDK's RpcError and its subclasses.

RpcError                        a call failed, with an error `code`
├── RpcNotConnectedError        … SEND_FAILED, and a RuntimeError: the room is not connected
└── RpcOverloadedError          … APPLICATION_ERROR: the callee's limit of running handlers is reached
RpcArgumentTypeError            an argument of the wrong type: both a TypeError and a ValueError
"""

from __future__ import annotations

import copyreg
import json
from collections.abc import Callable
from enum import IntEnum
from typing import ClassVar

from livekit._util.arguments import check_str
from livekit._util.utf8 import truncate_utf8
from livekit.protocol import models

MAX_ERROR_MESSAGE_BYTES = 256
"""UTF-8 bytes of an error's message on the wire (official peers truncate it too)."""
MAX_ERROR_DATA_BYTES = 15_360
"""UTF-8 bytes of an error's data on the wire."""


class RpcError(Exception):
    """A call failed. Raised by `perform_rpc`; one that a handler raises is sent to the caller.

    Args:
        code: 1001-1999 are reserved for the SDK (`ErrorCode`); applications use codes from 2000.
        message: human-readable; truncated to 256 UTF-8 bytes on the wire.
        data: machine-readable, JSON recommended; truncated to 15,360 UTF-8 bytes on the wire.

    Raises:
        TypeError: an argument has another type.
    """

    class ErrorCode(IntEnum):
        """The SDK's own error codes."""

        APPLICATION_ERROR = 1500
        CONNECTION_TIMEOUT = 1501
        RESPONSE_TIMEOUT = 1502
        RECIPIENT_DISCONNECTED = 1503
        RESPONSE_PAYLOAD_TOO_LARGE = 1504
        SEND_FAILED = 1505

        UNSUPPORTED_METHOD = 1400
        RECIPIENT_NOT_FOUND = 1401
        REQUEST_PAYLOAD_TOO_LARGE = 1402
        UNSUPPORTED_SERVER = 1403
        UNSUPPORTED_VERSION = 1404

    ErrorMessage: ClassVar[dict[ErrorCode, str]] = {
        ErrorCode.APPLICATION_ERROR: "Application error in method handler",
        ErrorCode.CONNECTION_TIMEOUT: "Connection timeout",
        ErrorCode.RESPONSE_TIMEOUT: "Response timeout",
        ErrorCode.RECIPIENT_DISCONNECTED: "Recipient disconnected",
        ErrorCode.RESPONSE_PAYLOAD_TOO_LARGE: "Response payload too large",
        ErrorCode.SEND_FAILED: "Failed to send",
        ErrorCode.UNSUPPORTED_METHOD: "Method not supported at destination",
        ErrorCode.RECIPIENT_NOT_FOUND: "Recipient not found",
        ErrorCode.REQUEST_PAYLOAD_TOO_LARGE: "Request payload too large",
        ErrorCode.UNSUPPORTED_SERVER: "RPC not supported by server",
        ErrorCode.UNSUPPORTED_VERSION: "Unsupported RPC version",
    }

    def __init__(self, code: int | RpcError.ErrorCode, message: str, data: str | None = None) -> None:
        _check_types(code, message, data)
        super().__init__(message)
        self._code = code
        self._message = message
        self._data = data

    @property
    def code(self) -> int:
        """The error code, an `ErrorCode` where one exists."""
        return self._code

    @property
    def message(self) -> str:
        return self._message

    @property
    def data(self) -> str | None:
        """Machine-readable data attached to the error; None if it has none."""
        return self._data

    def __reduce__(self) -> tuple[object, ...]:
        # Rebuilt without __init__: a subclass may take other arguments.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(code={int(self._code)}, message={self._message!r}, data={self._data!r})"

    @classmethod
    def _built_in(cls, code: RpcError.ErrorCode, data: str | None = None) -> RpcError:
        return cls(code, RpcError.ErrorMessage[code], data)

    @classmethod
    def _from_proto(cls, proto: models.RpcError) -> RpcError:
        return error_from_proto(proto, cls)

    def _to_proto(self) -> models.RpcError:
        return error_to_proto(self)


_KNOWN_CODES = frozenset(int(code) for code in RpcError.ErrorCode)


def _check_types(code: object, message: object, data: object) -> None:
    """Check an error's arguments where the error is made: the application may be untyped."""
    if not isinstance(code, int) or isinstance(code, bool):
        raise TypeError(f"code must be an int, not {type(code).__name__}")
    check_str(message, "message")
    if data is not None and not isinstance(data, str):
        raise TypeError(f"data must be a str or None, not {type(data).__name__}: use json.dumps")


class RpcNotConnectedError(RpcError, RuntimeError):
    """The room is not connected: not yet, or no longer."""


class RpcOverloadedError(RpcError):
    """The callee's limit of running handlers is reached; the handler did not run."""


class RpcArgumentTypeError(TypeError, ValueError):
    """An argument of a call has the wrong type."""


def reason(why: str) -> str:
    """Return the `data` of an error raised by the SDK: ``{"reason": why}`` as JSON."""
    return json.dumps({"reason": why}, separators=(",", ":"))


OVERLOADED_DATA = reason("overloaded")


def built_in_error(code: RpcError.ErrorCode, data: str | None = None) -> RpcError:
    """Return an error with one of the SDK's own codes and its message."""
    return RpcError(code, RpcError.ErrorMessage[code], data)


def add_call_note(error: RpcError, method: str, callee: str) -> None:
    """Name the call in the error's traceback (PEP 678, from Python 3.11 on); `str(error)` stays the message."""
    add_note: Callable[[str], None] | None = getattr(error, "add_note", None)
    if add_note is not None:
        add_note(f"RpcError {error.code} from calling {method!r} of {callee!r}")


def overloaded_error() -> RpcOverloadedError:
    """Return the error that rejects a call because of the callee's limits."""
    code = RpcError.ErrorCode.APPLICATION_ERROR
    return RpcOverloadedError(code, RpcError.ErrorMessage[code], OVERLOADED_DATA)


def error_from_proto(proto: models.RpcError, error_type: type[RpcError] = RpcError) -> RpcError:
    """Return a received error as an `error_type`, or as RpcOverloadedError, with message and data truncated."""
    code: int = proto.code
    # Not every official peer truncates on sending; all truncate on receiving.
    message = truncate_utf8(proto.message, MAX_ERROR_MESSAGE_BYTES)
    data = truncate_utf8(proto.data, MAX_ERROR_DATA_BYTES) or None
    if code in _KNOWN_CODES:
        code = RpcError.ErrorCode(code)
    if code == RpcError.ErrorCode.APPLICATION_ERROR and data == OVERLOADED_DATA:
        return RpcOverloadedError(code, message, data)
    return error_type(code, message, data)


def error_to_proto(error: RpcError) -> models.RpcError:
    """Serialize an error for sending. Raises any exception: application code may put anything into an error."""
    data = "" if error.data is None else truncate_utf8(error.data, MAX_ERROR_DATA_BYTES)
    return models.RpcError(code=error.code, message=truncate_utf8(error.message, MAX_ERROR_MESSAGE_BYTES), data=data)
