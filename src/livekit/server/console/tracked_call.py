"""One RPC call as seen by the server: its state, and why it ended. No I/O, no clock."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from livekit.rpc import RpcError, wire

from .payload import PayloadPreview

RESPONSE_GRACE = 10.0
"""Seconds after its timeout until a call counts as timed out; callers reserve some time for the round trip."""
ACK_TIMEOUT = 7.0
"""Seconds that callers wait for the acknowledgement by default."""
TIMER_SLACK = 0.01
"""Seconds by which a caller's timeout may seem too early: both times are rounded, and packets travel unevenly."""
SERVER = ""
"""Caller of the calls that the server makes."""

StreamKey = tuple[str, str, str]
"""Room, sender and stream ID."""


class CallState(str, enum.Enum):
    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"
    """The callee responded with an error."""
    CANCELLED = "cancelled"
    """The caller cancelled the call before its timeout, or aborted the request."""
    NOT_FOUND = "not found"
    """No participant had the callee's identity."""
    UNACKNOWLEDGED = "unacknowledged"
    """The callee did not acknowledge the request in time."""
    TIMED_OUT = "timed out"
    CALLEE_LEFT = "callee left"
    CALLER_LEFT = "caller left"
    ABORTED = "aborted"
    """The callee aborted the response stream."""
    ENCRYPTED = "encrypted"
    """Encrypted packets, which may or may not be calls; only their number and size are known."""


NOT_FAILED = frozenset({CallState.ANSWERED, CallState.CANCELLED, CallState.CALLER_LEFT})
"""States of ended calls that did not fail."""

_Code = RpcError.ErrorCode
CALLER_CODES = {
    CallState.NOT_FOUND: _Code.RECIPIENT_NOT_FOUND,
    CallState.UNACKNOWLEDGED: _Code.CONNECTION_TIMEOUT,
    CallState.TIMED_OUT: _Code.RESPONSE_TIMEOUT,
    CallState.CALLEE_LEFT: _Code.RECIPIENT_DISCONNECTED,
}
"""Errors that callers with this SDK raise without a response."""


@dataclass(slots=True, eq=False, kw_only=True)
class TrackedCall:
    """A call, or a series of encrypted packets. Times are seconds on the server's clock."""

    number: int
    """Sequence number, from 1."""
    room: str
    caller: str
    """The caller's identity; `SERVER` for the server."""
    callee: str
    """The callee's identity; empty for a broadcast request."""
    started: float
    request_id: str = ""
    method: str = ""
    version: int = 0
    timeout: float = 0.0
    """Seconds, as sent by the caller."""
    state: CallState = CallState.WAITING
    callee_absent: bool = False
    """No participant had the callee's identity at the last request or cancellation."""
    acked: float | None = None
    ended: float | None = None
    code: int | None = None
    message: str = ""
    data: str | None = None
    """Data of the error; None if it has none or if payloads are not kept."""
    request: PayloadPreview = field(default_factory=lambda: PayloadPreview(keep=False))
    response: PayloadPreview | None = None
    packets: int = 0
    """Number of encrypted packets."""
    revision: int = 0
    """Value of the tracker's change counter at the last change."""
    request_stream: StreamKey | None = None
    response_stream: StreamKey | None = None

    @property
    def key(self) -> StreamKey:
        """Key that matches responses. Calls of the server use the request ID as the caller's identity."""
        return self.room, self.caller or self.request_id, self.request_id

    @property
    def is_internal(self) -> bool:
        """True for calls of the console itself, which are not shown."""
        return self.caller == SERVER and self.method == wire.METHODS_METHOD

    @property
    def is_unreachable(self) -> bool:
        """True if nobody has received the request, as far as known."""
        return self.callee_absent and self.acked is None

    @property
    def deadline(self) -> float:
        """Time at which a call without further packets has ended."""
        return self.started + (ACK_TIMEOUT if self.is_unreachable else self.timeout + RESPONSE_GRACE)

    def state_without_response(self, now: float) -> CallState:
        """Return the state of a call that its caller gives up at `now`.

        Callers send the same packet after any error: the reason follows from time and from what has arrived.
        """
        if self.is_unreachable:
            return CallState.NOT_FOUND
        if now >= self.started + self.timeout - TIMER_SLACK:
            return CallState.TIMED_OUT
        if self.acked is None and now >= self.started + ACK_TIMEOUT - TIMER_SLACK:
            return CallState.UNACKNOWLEDGED
        return CallState.CANCELLED
