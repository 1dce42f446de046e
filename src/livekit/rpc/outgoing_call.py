"""An outgoing call: its state, and the diagnosis of its timeout. No I/O, no clock."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from . import wire
from .errors import RpcError
from .peer_info import PeerInfo
from .peer_timing import PeerTiming

_Code = RpcError.ErrorCode


class OutgoingCallState(enum.Enum):
    """The states of an outgoing call, in order."""

    WAITING = enum.auto()
    SENT = enum.auto()
    DELIVERED = enum.auto()
    ACKED = enum.auto()
    COMPLETED = enum.auto()


@dataclass(slots=True, eq=False)
class OutgoingCall:
    """One call. Times are in seconds on the shell's clock."""

    request_id: str
    destination: str
    method: str
    payload: str
    payload_size: int
    deadline: float
    ack_timeout: float
    wait_for_ready: bool
    waiter: object
    """Opaque to the core: the shell's handle of the call."""
    state: OutgoingCallState = OutgoingCallState.WAITING
    due: float | None = None
    """Time at which `Caller.handle_timer` must handle the call; None once it is completed."""
    entry_due: float = math.inf
    entry_id: int = 0
    wait_until: float = 0.0
    """While WAITING: the end of the wait for the peer."""
    returning: bool = False
    """While WAITING: the destination is missing since our own full reconnect, on a server that announces late."""
    listed: bool = False
    """The destination was listed when the request was sent, or has been since."""
    peer: PeerInfo | None = None
    """The destination's state when the request was sent; None while WAITING."""
    restarted: bool = False
    """The destination has reconnected in full since the request was sent."""
    timeout_ms: int = 0
    """The timeout in the request, in milliseconds."""
    delivered_at: float = 0.0
    repeat_from: float | None = None
    """The request was sent before its callee was listed, and the callee is listed now: the time from which it could
    acknowledge. Without an acknowledgement the request is repeated soon after."""

    @property
    def is_unconfirmed(self) -> bool:
        """The request was sent before its callee was listed and is not acknowledged: it may be lost."""
        sent = self.state is OutgoingCallState.SENT or self.state is OutgoingCallState.DELIVERED
        return sent and self.peer is not None and not self.peer.listed

    @property
    def version(self) -> int:
        """The protocol version of the request, 1 or 2; valid once it is sent."""
        streams = self.peer is not None and self.peer.client_protocol >= wire.PROTOCOL_STREAM_RPC
        return wire.VERSION_2 if streams else wire.VERSION_1

    def ack_due(self, since: float, timing: PeerTiming) -> float:
        """Return the end of the wait for the acknowledgement of a request sent at `since`."""
        timeout = self.ack_timeout if self.listed else min(self.ack_timeout, timing.listing_grace(self.destination))
        return min(self.deadline, since + timeout)

    def update_due(self, timing: PeerTiming) -> None:
        """Set the timeout of a sent call; only the budget applies until the request is delivered."""
        if self.state is not OutgoingCallState.DELIVERED or self.restarted:
            self.due = self.deadline
        elif self.repeat_from is None:
            self.due = self.ack_due(self.delivered_at, timing)
        else:
            wait = min(self.ack_timeout, timing.repeat_delay(self.destination))
            self.due = min(self.deadline, max(self.delivered_at, self.repeat_from) + wait)

    def expect_repeat(self, ready_at: float, timing: PeerTiming) -> None:
        """Schedule the repetition of an unconfirmed request whose callee is listed now.

        Servers keep packets for a participant that has joined until it is ready. If the request arrived there after the
        join, and only its announcement was late, it is acknowledged then.
        """
        self.listed = True
        self.repeat_from = ready_at if self.repeat_from is None else min(self.repeat_from, ready_at)
        self.update_due(timing)


def diagnose(call: OutgoingCall, now: float, *, online: bool, listed: bool) -> tuple[_Code, str]:
    """Return the error code and reason of a timeout. `listed`: the destination is listed now."""
    if call.restarted:
        return _Code.RESPONSE_TIMEOUT, "peer_restarted"
    if call.state is OutgoingCallState.WAITING:
        if not online:
            return _Code.RESPONSE_TIMEOUT, "reconnecting"
        return (_Code.RESPONSE_TIMEOUT, "recipient_not_ready") if listed else (_Code.RECIPIENT_NOT_FOUND, "not_listed")
    if call.state is OutgoingCallState.DELIVERED and not call.listed:
        return _Code.RECIPIENT_NOT_FOUND, "not_listed"
    if call.state is OutgoingCallState.DELIVERED:
        late = now >= call.deadline
        return _Code.RESPONSE_TIMEOUT if late else _Code.CONNECTION_TIMEOUT, "not_acknowledged"
    return _Code.RESPONSE_TIMEOUT, "no_response" if call.state is OutgoingCallState.ACKED else "request_not_delivered"
