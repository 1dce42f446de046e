"""What a call from a backend raises, besides what `livekit.errors` has for servers that cannot be asked.

RpcError
└── BackendRpcError             the server was asked, and the call failed; `code` says how, as for every call
    ├── RecipientNotFoundError  … RECIPIENT_NOT_FOUND, and a LookupError: no such participant, or no such room
    └── BackendTimeoutError     … CONNECTION_TIMEOUT or RESPONSE_TIMEOUT, and a TimeoutError
"""

from __future__ import annotations

from livekit.rpc.errors import RpcError


class BackendRpcError(RpcError):
    """The server was asked, and the call failed."""

    def __init__(
        self,
        code: int | RpcError.ErrorCode,
        message: str,
        data: str | None = None,
        *,
        raw: str = "",
        exact: bool = True,
    ) -> None:
        super().__init__(code, message, data)
        self.raw = raw
        """The server's words; empty if it said nothing."""
        self.exact = exact
        """Whether `message` and `data` are certain; `code` always is. LiveKit servers join the two with ``": "``, and
        what has more of these can be read in several ways. The embedded server tells them apart."""


class RecipientNotFoundError(BackendRpcError, LookupError):
    """The room has no such participant, or there is no such room."""


class BackendTimeoutError(BackendRpcError, TimeoutError):
    """No answer in time; whether the handler ran is not known."""
