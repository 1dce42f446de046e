"""State machine of outgoing calls: sending, timeouts and completion. No I/O, no clock.

The shell passes in received packets and the time, and carries out the actions requested through `CallerOutput`. The
states of a call are

    WAITING (for the connection or the peer) → SENT → DELIVERED (by the transport) → ACKED → COMPLETED

A call completes exactly once; packets that arrive for it later are dropped.
"""

from __future__ import annotations

import enum
import itertools
import math
from dataclasses import dataclass
from typing import Protocol

from livekit._util.utf8 import utf8_length

from . import wire
from .deadline_heap import DeadlineHeap
from .errors import RpcError, built_in_error, reason
from .peer_info import PeerInfo, PeerLookup

READY_WAIT = 3.5
"""Seconds a call waits for a joined peer to become ready, and for an unlisted one on servers that announce participants
late."""
MIN_GRACE = 0.25
"""Minimum seconds for an unlisted peer to acknowledge, on servers that announce joins at once."""
GRACE_RTTS = 4
"""Round trips for an unlisted peer to acknowledge, on servers that announce joins at once."""
_RTT_GAIN = 0.125
"""Weight of a new sample in the smoothed round trip (RFC 6298, section 2.3)."""
MAX_PEER_RTTS = 4_096
"""Peers whose round trip time is kept."""

_Code = RpcError.ErrorCode


class OutgoingCallState(enum.Enum):
    """The states of an outgoing call, in order."""

    WAITING = enum.auto()
    SENT = enum.auto()
    DELIVERED = enum.auto()
    ACKED = enum.auto()
    COMPLETED = enum.auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerLimits:
    """Configuration of a `Caller`."""

    max_payload_size: int | None = 262_144
    """UTF-8 bytes per request or response with version 2 peers; None for no limit."""
    fail_fast_while_reconnecting: bool = False
    """Fail calls made without a connection instead of waiting for it."""


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
    listed: bool = False
    """The destination was listed when the request was sent, or has been since."""
    peer: PeerInfo | None = None
    """The destination's state when the request was sent; None while WAITING."""
    restarted: bool = False
    """The destination has reconnected in full since the request was sent."""
    timeout_ms: int = 0
    """The timeout in the request, in milliseconds."""
    delivered_at: float = 0.0

    @property
    def version(self) -> int:
        """The protocol version of the request, 1 or 2; valid once it is sent."""
        streams = self.peer is not None and self.peer.client_protocol >= wire.PROTOCOL_STREAM_RPC
        return wire.VERSION_2 if streams else wire.VERSION_1


class CallerOutput(Protocol):
    """Actions that the core requests. They must not call back into the core, except for `Caller.set_timeout`."""

    def send_request(self, call: OutgoingCall) -> None:
        """Pass the request to the transport, and call `Caller.request_delivered` once it is delivered.

        A shell that queues the request must call `Caller.set_timeout` when it sends it, or `Caller.requeue`.

        Raises:
            RpcError: it cannot be sent.
        """
        ...

    def send_cancel(self, call: OutgoingCall) -> None:
        """Send the callee a cancel: the answer is no longer needed."""
        ...

    def complete(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        """Report the outcome of a call."""
        ...


class Caller:
    """All outgoing calls of one room."""

    def __init__(self, output: CallerOutput, peers: PeerLookup, limits: CallerLimits | None = None) -> None:
        self._output = output
        self._peers = peers
        self._limits = limits or CallerLimits()
        self._in_flight: dict[str, OutgoingCall] = {}
        self._deadlines: DeadlineHeap[OutgoingCall] = DeadlineHeap()
        self._peer_rtts: dict[str, float] = {}
        self.online = False
        """The connection accepts packets; calls wait while it does not."""
        self.announces_joins = False
        """The server announces each join without delay."""
        self.server_rtt = 0.0
        """Round trip to the server in seconds; 0 while unknown."""

    def __len__(self) -> int:
        return len(self._in_flight)

    def start(
        self,
        destination: str,
        method: str,
        payload: str,
        *,
        budget: float,
        ack_timeout: float,
        wait_for_ready: bool = False,
        waiter: object = None,
        now: float,
    ) -> OutgoingCall:
        """Start a call. It never completes before this method returns.

        Raises:
            RpcError: the call cannot be made (too large, no permission on either side, or reconnecting with
                `fail_fast_while_reconnecting`). No call is pending then.
            UnicodeEncodeError: the payload, method or identity contains lone surrogates.
        """
        utf8_length(destination + method)
        blocked = self._peers.blocked_reason()
        if blocked is not None:
            raise built_in_error(_Code.SEND_FAILED, reason(blocked))
        size = utf8_length(payload)
        limit = self._limits.max_payload_size
        if limit is not None and size > limit:
            raise built_in_error(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes"))
        if not self.online and self._limits.fail_fast_while_reconnecting:
            raise built_in_error(_Code.SEND_FAILED, reason("reconnecting"))
        deadline = now + budget
        call = OutgoingCall(
            wire.new_request_id(), destination, method, payload, size, deadline, ack_timeout, wait_for_ready, waiter
        )
        self._begin_waiting(call, now)
        if self.online:
            self._dispatch(call, now)
        else:
            call.due = deadline
        self._in_flight[call.request_id] = call
        self._deadlines.add(call)
        return call

    def cancel(self, call: OutgoingCall) -> None:
        """Drop a cancelled call and send the callee a cancel, without reporting an outcome."""
        if self._remove(call) and call.peer is not None:
            self._output.send_cancel(call)

    def discard(self, call: OutgoingCall) -> None:
        """Drop a call without a cancel to the callee and without reporting an outcome."""
        self._remove(call)

    def requeue(self, call: OutgoingCall, now: float) -> None:
        """Return a queued, unsent request to WAITING, because its peer reconnected in full."""
        call.state = OutgoingCallState.WAITING
        call.peer = None
        self._begin_waiting(call, now)
        call.due = call.wait_until if self.online else call.deadline
        self._deadlines.add(call)

    def set_online(self, online: bool, now: float) -> None:
        """Update the connection state. Online, waiting calls are sent; offline, they wait within their budget."""
        self.online = online
        for call in list(self._in_flight.values()):
            if call.state is not OutgoingCallState.WAITING:
                continue
            if online:
                self._begin_waiting(call, now)
                self._dispatch_or_complete(call, now)
            else:
                call.due = call.deadline

    def request_delivered(self, call: OutgoingCall, now: float) -> None:
        """The transport delivered the whole request: start the acknowledgement timeout."""
        if call.state is OutgoingCallState.SENT:
            call.state = OutgoingCallState.DELIVERED
            call.delivered_at = now
            self._update_due(call)
            self._deadlines.add(call)

    def awaits_answer(self, sender: str, request_id: str) -> bool:
        """Return True if the request is pending and `sender` may answer it."""
        return self._awaiting_answer(sender, request_id) is not None

    def receive_ack(self, sender: str, request_id: str, now: float) -> OutgoingCall | None:
        """Handle an acknowledgement. Return the call, None if the acknowledgement is stale, repeated or spoofed."""
        call = self._awaiting_answer(sender, request_id)
        if call is None or call.state is OutgoingCallState.ACKED:
            return None
        if call.state is OutgoingCallState.DELIVERED and now > call.delivered_at:
            self._update_rtt(call.destination, now - call.delivered_at)
        call.state = OutgoingCallState.ACKED
        call.due = call.deadline
        return call

    def receive_response(self, sender: str, request_id: str, payload: str) -> None:
        """Handle a success. A payload over the limit becomes RESPONSE_PAYLOAD_TOO_LARGE."""
        call = self._awaiting_answer(sender, request_id)
        if call is None:
            return
        limit = self._limits.max_payload_size
        if limit is not None and len(payload) * 4 > limit and utf8_length(payload) > limit:
            self._complete(call, built_in_error(_Code.RESPONSE_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes")))
        else:
            self._complete(call, payload)

    def receive_error(self, sender: str, request_id: str, error: RpcError) -> None:
        """Handle a failure."""
        call = self._awaiting_answer(sender, request_id)
        if call is not None:
            self._complete(call, error)

    def peer_changed(self, identity: str, now: float) -> None:
        """A participant was announced, became ACTIVE or sent its first packet: send the calls that waited for it."""
        for call in self._calls_to(identity):
            newly_listed = not call.listed and self._peers.peer(identity).listed
            if call.state is not OutgoingCallState.WAITING:
                if newly_listed:
                    call.listed = True
                    self._update_due(call)
            elif self.online:
                if newly_listed:
                    self._begin_waiting(call, now)
                self._dispatch_or_complete(call, now)

    def peer_left(self, identity: str) -> None:
        """A participant left: fail the calls to it, except unsent ones with `wait_for_ready`."""
        self._peer_rtts.pop(identity, None)
        for call in self._calls_to(identity):
            if call.state is not OutgoingCallState.WAITING or not call.wait_for_ready:
                self._complete(call, built_in_error(_Code.RECIPIENT_DISCONNECTED))

    def peer_restarted(self, identity: str) -> None:
        """A participant reconnected in full, under a new sid: it may still answer until each call's deadline."""
        for call in self._calls_to(identity):
            if call.state is not OutgoingCallState.WAITING:
                call.restarted = True
                call.due = call.deadline

    def close(self, limit: int | None = None) -> bool:
        """The room disconnected: fail all calls, or the `limit` oldest. Return True if none is left."""
        for call in list(itertools.islice(self._in_flight.values(), limit)):
            self._complete(call, built_in_error(_Code.RECIPIENT_DISCONNECTED, reason("room_disconnected")))
        return not self._in_flight

    def next_timer(self) -> float | None:
        """Return when `handle_timer` must be called next, None if no call is pending."""
        return self._deadlines.next()

    def handle_timer(self, now: float) -> None:
        """Handle the calls that are due."""
        for call in self._deadlines.pop_due(now):
            if call.state is OutgoingCallState.WAITING and now < call.deadline and self.online:
                self._ready_wait_expired(call, now)
            else:
                self._expire(call, now)
            if call.due is not None:
                self._deadlines.add(call)

    # State transitions

    def _begin_waiting(self, call: OutgoingCall, now: float) -> None:
        """Set how long to wait for the peer before sending anyway or, where that cannot succeed, failing."""
        peer = self._peers.peer(call.destination)
        call.listed = peer.listed
        max_wait = READY_WAIT if peer.announced else self._listing_grace(call)
        call.wait_until = call.deadline if call.wait_for_ready else min(call.deadline, now + max_wait)

    def _listing_grace(self, call: OutgoingCall) -> float:
        """Return the seconds that a peer which the server has not announced may take to be listed."""
        if self.announces_joins:
            return max(MIN_GRACE, GRACE_RTTS * self._rtt(call))
        return READY_WAIT

    def _dispatch(self, call: OutgoingCall, now: float) -> None:
        """Send the request if the peer is ready, else wait. Raises RpcError if sending fails."""
        peer = self._peers.peer(call.destination)
        # An unlisted peer may exist, so send. A large payload needs the announcement, which has the peer's version.
        may_send = peer.ready if peer.listed else not call.wait_for_ready
        if may_send and (peer.announced or call.payload_size <= wire.MAX_V1_PAYLOAD_BYTES):
            self._send(call, peer, now)
        else:
            call.due = call.wait_until

    def _dispatch_or_complete(self, call: OutgoingCall, now: float) -> None:
        """Call `_dispatch`; a failure becomes the outcome."""
        try:
            self._dispatch(call, now)
        except RpcError as error:
            self._complete(call, error)
        else:
            self._deadlines.add(call)

    def _send(self, call: OutgoingCall, peer: PeerInfo, now: float) -> None:
        if peer.listed and not peer.can_publish_data:
            raise built_in_error(_Code.SEND_FAILED, reason("recipient_cannot_publish_data"))
        if peer.client_protocol < wire.PROTOCOL_STREAM_RPC and call.payload_size > wire.MAX_V1_PAYLOAD_BYTES:
            raise built_in_error(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason("recipient_takes_15360_bytes"))
        self.set_timeout(call, now)
        call.listed = peer.listed
        call.peer = peer
        call.state = OutgoingCallState.SENT
        call.due = min(call.deadline, now + self._ack_timeout(call))
        self._output.send_request(call)

    def set_timeout(self, call: OutgoingCall, now: float) -> None:
        """Set the timeout in the request, which is sent now: the budget left when it arrives."""
        remaining = call.deadline - now - self._rtt(call) / 2
        call.timeout_ms = max(1, int(min(remaining * 1000, wire.MAX_TIMEOUT_MS)))

    def _ack_timeout(self, call: OutgoingCall) -> float:
        return call.ack_timeout if call.listed else min(call.ack_timeout, self._listing_grace(call))

    def _update_due(self, call: OutgoingCall) -> None:
        """Set the timeout of a sent call; only the budget applies until the request is delivered."""
        if call.state is OutgoingCallState.DELIVERED and not call.restarted:
            call.due = min(call.deadline, call.delivered_at + self._ack_timeout(call))
        else:
            call.due = call.deadline

    def _ready_wait_expired(self, call: OutgoingCall, now: float) -> None:
        """The peer did not become ready in time: send anyway, unless it is not listed."""
        peer = self._peers.peer(call.destination)
        if not peer.listed:
            self._complete(call, built_in_error(_Code.RECIPIENT_NOT_FOUND, reason("not_listed")))
            return
        try:
            self._send(call, peer, now)
        except RpcError as error:
            self._complete(call, error)

    def _expire(self, call: OutgoingCall, now: float) -> None:
        """Fail a call that timed out, with the cause."""
        if call.state is OutgoingCallState.SENT and now < call.deadline:
            self._update_due(call)
            return
        listed = self._peers.peer(call.destination).listed
        code, why = _diagnose(call, now, online=self.online, listed=listed)
        if call.peer is not None:
            self._output.send_cancel(call)
        self._complete(call, built_in_error(code, reason(why)))

    # Bookkeeping

    def _awaiting_answer(self, sender: str, request_id: str) -> OutgoingCall | None:
        """Return the pending call, if `sender` may answer it. Servers blank the identity of hidden participants."""
        call = self._in_flight.get(request_id)
        if call is None or call.state is OutgoingCallState.WAITING:
            return None
        was_listed = call.peer is not None and call.peer.listed
        return call if sender == call.destination or (not sender and not was_listed) else None

    def _calls_to(self, identity: str) -> list[OutgoingCall]:
        return [call for call in self._in_flight.values() if call.destination == identity]

    def _rtt(self, call: OutgoingCall) -> float:
        """Return the round trip in seconds: the peer's, measured on earlier calls, else the server's."""
        return self._peer_rtts.get(call.destination, self.server_rtt)

    def _update_rtt(self, identity: str, sample: float) -> None:
        known = self._peer_rtts.get(identity)
        self._peer_rtts[identity] = sample if known is None else known + _RTT_GAIN * (sample - known)
        if len(self._peer_rtts) > MAX_PEER_RTTS:
            del self._peer_rtts[next(iter(self._peer_rtts))]

    def _complete(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        if self._remove(call):
            self._output.complete(call, outcome)

    def _remove(self, call: OutgoingCall) -> bool:
        """Remove a call; return False if it had completed already."""
        if call.state is OutgoingCallState.COMPLETED:
            return False
        call.state = OutgoingCallState.COMPLETED
        call.due = None
        self._deadlines.remove(call)
        self._in_flight.pop(call.request_id, None)
        return True


def _diagnose(call: OutgoingCall, now: float, *, online: bool, listed: bool) -> tuple[_Code, str]:
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
