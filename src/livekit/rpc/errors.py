"""The error of a call, as the official SDK has it, and what derives from it.

RpcError                        a call failed; `code` says how
├── RpcNotConnectedError        … SEND_FAILED, and a RuntimeError: the room is not connected
└── RpcOverloadedError          … APPLICATION_ERROR: the callee runs as many handlers as it allows
RpcArgumentTypeError            an argument of the wrong type: both a TypeError and a ValueError
"""

from __future__ import annotations

import copyreg
import json
from enum import IntEnum
from typing import ClassVar

from livekit._util.utf8 import truncate_utf8
from livekit.protocol import models

MAX_ERROR_MESSAGE_BYTES = 256
"""UTF-8 bytes of an error's message on the wire (official peers cut it too)."""
MAX_ERROR_DATA_BYTES = 15_360
"""UTF-8 bytes of an error's data on the wire."""


class RpcError(Exception):
    """A call failed. Raised by `perform_rpc`; raised in a handler, it travels to the caller.

    Args:
        code: 1001-1999 are the SDK's own (`ErrorCode`); from 2000 on they are the application's.
        message: for people; cut to 256 UTF-8 bytes on the wire.
        data: for programs, JSON recommended; cut to 15,360 UTF-8 bytes on the wire.
    """

    class ErrorCode(IntEnum):
        """The codes that the SDK itself uses."""

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
        """What the raiser attached; None when nothing."""
        return self._data

    def __reduce__(self) -> tuple[object, ...]:
        # Not by the arguments of __init__, which a subclass may have others of.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(code={int(self._code)}, message={self._message!r}, data={self._data!r})"

    @classmethod
    def _built_in(cls, code: RpcError.ErrorCode, data: str | None = None) -> RpcError:
        return cls(code, RpcError.ErrorMessage[code], data)

    @classmethod
    def _from_proto(cls, proto: models.RpcError) -> RpcError:
        code: int = proto.code
        # Not every official peer cuts what it sends; all cut what they receive.
        message = truncate_utf8(proto.message, MAX_ERROR_MESSAGE_BYTES)
        data = truncate_utf8(proto.data, MAX_ERROR_DATA_BYTES) or None
        if code in _KNOWN_CODES:
            code = cls.ErrorCode(code)
        if code == cls.ErrorCode.APPLICATION_ERROR and data == OVERLOADED_DATA:
            return RpcOverloadedError(code, message, data)
        return cls(code, message, data)

    def _to_proto(self) -> models.RpcError:
        """May raise anything: application code can put anything into an error."""
        data = "" if self._data is None else truncate_utf8(self._data, MAX_ERROR_DATA_BYTES)
        return models.RpcError(
            code=self._code, message=truncate_utf8(self._message, MAX_ERROR_MESSAGE_BYTES), data=data
        )


_KNOWN_CODES = frozenset(int(code) for code in RpcError.ErrorCode)


class RpcNotConnectedError(RpcError, RuntimeError):
    """The room is not connected: not yet, or not any more."""


class RpcOverloadedError(RpcError):
    """The callee already runs as many handlers as its limits allow; nothing was run."""


class RpcArgumentTypeError(TypeError, ValueError):
    """An argument of a call has the wrong type."""


def reason(why: str) -> str:
    """The `data` of an error that the SDK raises itself: ``{"reason": why}`` as JSON."""
    return json.dumps({"reason": why}, separators=(",", ":"))


OVERLOADED_DATA = reason("overloaded")
