"""Exceptions of calls from a backend, besides those of `livekit.errors` for servers that cannot process requests.

RpcError
└── BackendRpcError             the server processed the request, and the call failed; see `code`
    ├── RecipientNotFoundError  … RECIPIENT_NOT_FOUND, also a LookupError: no such participant, or no such room
    └── BackendTimeoutError     … CONNECTION_TIMEOUT or RESPONSE_TIMEOUT, also a TimeoutError
"""

from __future__ import annotations

from livekit.rpc.errors import RpcError


class BackendRpcError(RpcError):
    """The server processed the request, and the call failed."""

    def __init__(
        self,
        code: int | RpcError.ErrorCode,
        message: str,
        data: str | None = None,
        *,
        raw: str = "",
        exact: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message, data)
        self.raw = raw
        """The server's error text; empty if there was none."""
        self.exact = exact
        """True if `message` and `data` are certain; `code` always is. LiveKit servers join the two with ``": "``, so a
        text with several of these is ambiguous. The embedded server sends them separately."""
        self.retry_after = retry_after
        """Seconds after which the server asks to try again (Retry-After); None if it does not. Calls are not repeated
        by this package: a handler may have run."""


class RecipientNotFoundError(BackendRpcError, LookupError):
    """The room has no such participant, or there is no such room."""


class BackendTimeoutError(BackendRpcError, TimeoutError):
    """The call timed out; the handler may or may not have run."""
