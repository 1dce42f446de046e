"""Outgoing calls, without I/O and without a clock: what to send, when to give up, and what the outcome is.

The owner feeds it what arrives and the time, and it tells its `CallerOutput` what to do. A call goes through

    WAITING (for the connection or the peer) → SENT → CONFIRMED (by the transport) → ACKED → settled

and is settled exactly once; whatever comes for it later is dropped.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Protocol

from livekit._util.utf8 import utf8_length

from . import wire
from .deadline_heap import DeadlineHeap
from .errors import RpcError, reason
from .peer_info import Peer, PeerDirectory

READY_WAIT = 3.5
"""Seconds a call waits for a peer that joined to become ready, and for one that is not listed on servers that
announce participants late."""
MIN_GRACE = 0.25
"""Seconds an unlisted peer has at least to acknowledge, on servers that announce joins at once."""
GRACE_ROUND_TRIPS = 4
_RTT_GAIN = 0.125
MAX_ROUND_TRIPS = 4_096
"""Peers whose round trip is remembered."""

_Code = RpcError.ErrorCode


class CallState(enum.Enum):
    WAITING = enum.auto()
    SENT = enum.auto()
    CONFIRMED = enum.auto()
    ACKED = enum.auto()
    SETTLED = enum.auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerLimits:
    max_payload_size: int | None = 262_144
    """UTF-8 bytes towards peers that take more than version 1 carries; None for no limit."""
    fail_fast_while_reconnecting: bool = False


@dataclass(slots=True, eq=False)
class OutgoingCall:
    """One call; times in seconds on the owner's clock."""

    request_id: str
    destination: str
    method: str
    payload: str
    payload_size: int
    deadline: float
    ack_latency: float
    wait_for_ready: bool
    waiter: object
    """The owner's own, to know the call by; the core does not look at it."""
    state: CallState = CallState.WAITING
    due: float | None = None
    """When `Caller.handle_timer` must look at it; None once settled."""
    queued: float = math.inf
    ticket: int = 0
    wait_until: float = 0.0
    """While WAITING: when waiting for the peer ends."""
    listed: bool = False
    """The destination is known: when the request was sent, or since."""
    peer: Peer | None = None
    """The destination as it was when the request was sent."""
    restarted: bool = False
    """The destination reconnected in full meanwhile."""
    timeout_ms: int = 0
    """What the callee is told, in milliseconds."""
    confirmed_at: float = 0.0

    @property
    def version(self) -> int:
        """1 or 2, from when it was sent."""
        streams = self.peer is not None and self.peer.client_protocol >= wire.PROTOCOL_STREAM_RPC
        return wire.VERSION_2 if streams else wire.VERSION_1


class CallerOutput(Protocol):
    """What the core asks of its owner. Of calls back into the core these allow `Caller.set_timeout` alone."""

    def send_request(self, call: OutgoingCall) -> None:
        """Hand the request to the transport, which later calls `Caller.confirmed`. Raises RpcError if it cannot. One
        that is held back is given a new `Caller.set_timeout` when it goes, or a `Caller.wait_again`."""
        ...

    def send_cancel(self, call: OutgoingCall) -> None:
        """Tell the callee that nobody waits any more."""
        ...

    def settle(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        """The call is over."""
        ...


class Caller:
    """All outgoing calls of one room."""

    def __init__(self, output: CallerOutput, peers: PeerDirectory, limits: CallerLimits | None = None) -> None:
        self._output = output
        self._peers = peers
        self._limits = limits or CallerLimits()
        self._calls: dict[str, OutgoingCall] = {}
        self._timers: DeadlineHeap[OutgoingCall] = DeadlineHeap()
        self._round_trips: dict[str, float] = {}
        self.online = False
        """The connection takes packets; while False calls wait."""
        self.announces_joins = False
        """The server announces every participant at once."""
        self.link_round_trip = 0.0
        """Seconds to the server and back, as far as known."""

    def __len__(self) -> int:
        return len(self._calls)

    def start(
        self,
        destination: str,
        method: str,
        payload: str,
        *,
        budget: float,
        ack_latency: float,
        wait_for_ready: bool = False,
        waiter: object = None,
        now: float,
    ) -> OutgoingCall:
        """Begin a call; it is settled later, never before this returns.

        Raises:
            RpcError: it cannot be made at all (too large, no permission on either side, reconnecting and told not to
                wait). Nothing is pending then.
            UnicodeEncodeError: the payload, the method or the identity has lone surrogates.
        """
        utf8_length(destination + method)
        obstacle = self._peers.obstacle()
        if obstacle is not None:
            raise RpcError._built_in(_Code.SEND_FAILED, reason(obstacle))
        size = utf8_length(payload)
        limit = self._limits.max_payload_size
        if limit is not None and size > limit:
            raise RpcError._built_in(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes"))
        if not self.online and self._limits.fail_fast_while_reconnecting:
            raise RpcError._built_in(_Code.SEND_FAILED, reason("reconnecting"))
        deadline = now + budget
        call = OutgoingCall(
            wire.new_request_id(), destination, method, payload, size, deadline, ack_latency, wait_for_ready, waiter
        )
        self._begin_waiting(call, now)
        if self.online:
            self._advance(call, now)
        else:
            call.due = deadline
        self._calls[call.request_id] = call
        self._timers.add(call)
        return call

    def cancel(self, call: OutgoingCall) -> None:
        """The caller gave up: forget the call and tell the callee. Nothing is settled."""
        if self._forget(call) and call.peer is not None:
            self._output.send_cancel(call)

    def withdraw(self, call: OutgoingCall) -> None:
        """The call ends for a reason of its owner's. Nothing is settled, and nobody is told."""
        self._forget(call)

    def wait_again(self, call: OutgoingCall, now: float) -> None:
        """A request that was handed over has not been sent, and its peer begins anew: it waits for that one."""
        call.state = CallState.WAITING
        call.peer = None
        self._begin_waiting(call, now)
        call.due = call.wait_until if self.online else call.deadline
        self._timers.add(call)

    def set_online(self, online: bool, now: float) -> None:
        """The connection takes packets, or stopped to; waiting calls go out or keep waiting in their budget."""
        self.online = online
        for call in list(self._calls.values()):
            if call.state is not CallState.WAITING:
                continue
            if online:
                self._begin_waiting(call, now)
                self._try(call, now)
            else:
                call.due = call.deadline

    def confirmed(self, call: OutgoingCall, now: float) -> None:
        """The transport has confirmed the whole request; the callee's time to acknowledge begins."""
        if call.state is CallState.SENT:
            call.state = CallState.CONFIRMED
            call.confirmed_at = now
            self._schedule(call)
            self._timers.add(call)

    def expects(self, sender: str, request_id: str) -> bool:
        """Whether `sender` may answer this request now."""
        return self._expected(sender, request_id) is not None

    def receive_ack(self, sender: str, request_id: str, now: float) -> OutgoingCall | None:
        """The callee has the request. Returns the call, the first time."""
        call = self._expected(sender, request_id)
        if call is None or call.state is CallState.ACKED:
            return None
        if call.state is CallState.CONFIRMED and now > call.confirmed_at:
            self._measure(call.destination, now - call.confirmed_at)
        call.state = CallState.ACKED
        call.due = call.deadline
        return call

    def receive_response(self, sender: str, request_id: str, payload: str) -> None:
        """A success. Payloads over the limit become RESPONSE_PAYLOAD_TOO_LARGE."""
        call = self._expected(sender, request_id)
        if call is None:
            return
        limit = self._limits.max_payload_size
        if limit is not None and len(payload) * 4 > limit and utf8_length(payload) > limit:
            self._settle(call, RpcError._built_in(_Code.RESPONSE_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes")))
        else:
            self._settle(call, payload)

    def receive_error(self, sender: str, request_id: str, error: RpcError) -> None:
        call = self._expected(sender, request_id)
        if call is not None:
            self._settle(call, error)

    def peer_changed(self, identity: str, now: float) -> None:
        """A participant was announced, became active, or its first packet came: calls may be waiting for that."""
        for call in self._calls_to(identity):
            newly_listed = not call.listed and self._peers.peer(identity).listed
            if call.state is not CallState.WAITING:
                if newly_listed:
                    call.listed = True
                    self._schedule(call)
            elif self.online:
                if newly_listed:
                    self._begin_waiting(call, now)
                self._try(call, now)

    def peer_left(self, identity: str) -> None:
        """A participant is gone for good: calls to it end, except those that wait for one to come."""
        self._round_trips.pop(identity, None)
        for call in self._calls_to(identity):
            if call.state is not CallState.WAITING or not call.wait_for_ready:
                self._settle(call, RpcError._built_in(_Code.RECIPIENT_DISCONNECTED))

    def peer_restarted(self, identity: str) -> None:
        """A participant came back under a new sid without having left: its answers still count."""
        for call in self._calls_to(identity):
            if call.state is not CallState.WAITING:
                call.restarted = True
                call.due = call.deadline

    def close(self) -> None:
        """The room is not connected any more: every call ends."""
        for call in list(self._calls.values()):
            self._settle(call, RpcError._built_in(_Code.RECIPIENT_DISCONNECTED, reason("room_disconnected")))

    def next_timer(self) -> float | None:
        return self._timers.next()

    def handle_timer(self, now: float) -> None:
        for call in self._timers.pop_due(now):
            if call.state is CallState.WAITING and now < call.deadline and self.online:
                self._waited_long_enough(call, now)
            else:
                self._expire(call, now)
            if call.due is not None:
                self._timers.add(call)

    # How a call goes on

    def _begin_waiting(self, call: OutgoingCall, now: float) -> None:
        """Set until when to wait for the peer before sending all the same (or, where that is no use, giving up)."""
        peer = self._peers.peer(call.destination)
        call.listed = peer.listed
        patience = READY_WAIT if peer.announced else self._grace(call)
        call.wait_until = call.deadline if call.wait_for_ready else min(call.deadline, now + patience)

    def _grace(self, call: OutgoingCall) -> float:
        """How long a peer that nobody has announced may take to turn up."""
        if self.announces_joins:
            return max(MIN_GRACE, GRACE_ROUND_TRIPS * self._round_trip(call))
        return READY_WAIT

    def _advance(self, call: OutgoingCall, now: float) -> None:
        """Send the request if its peer is ready, else wait. Raises RpcError where sending fails."""
        peer = self._peers.peer(call.destination)
        # An unlisted peer is tried all the same; how a large payload goes only the announcement says.
        may_arrive = peer.ready if peer.listed else not call.wait_for_ready
        if may_arrive and (peer.announced or call.payload_size <= wire.MAX_V1_PAYLOAD_BYTES):
            self._send(call, peer, now)
        else:
            call.due = call.wait_until

    def _try(self, call: OutgoingCall, now: float) -> None:
        """`_advance`, with a failure as the outcome."""
        try:
            self._advance(call, now)
        except RpcError as error:
            self._settle(call, error)
        else:
            self._timers.add(call)

    def _send(self, call: OutgoingCall, peer: Peer, now: float) -> None:
        if peer.listed and not peer.can_publish_data:
            raise RpcError._built_in(_Code.SEND_FAILED, reason("recipient_cannot_publish_data"))
        if peer.client_protocol < wire.PROTOCOL_STREAM_RPC and call.payload_size > wire.MAX_V1_PAYLOAD_BYTES:
            raise RpcError._built_in(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason("recipient_takes_15360_bytes"))
        self.set_timeout(call, now)
        call.listed = peer.listed
        call.peer = peer
        call.state = CallState.SENT
        call.due = min(call.deadline, now + self._ack_window(call))
        self._output.send_request(call)

    def set_timeout(self, call: OutgoingCall, now: float) -> None:
        """Set what the callee is told of a request that goes out now: what is left when it arrives."""
        told = call.deadline - now - self._round_trip(call) / 2
        call.timeout_ms = max(1, int(min(told * 1000, wire.MAX_TIMEOUT_MS)))

    def _ack_window(self, call: OutgoingCall) -> float:
        return call.ack_latency if call.listed else min(call.ack_latency, self._grace(call))

    def _schedule(self, call: OutgoingCall) -> None:
        """Set when a call that was sent is to be looked at: until the request is confirmed only the budget counts."""
        if call.state is CallState.CONFIRMED and not call.restarted:
            call.due = min(call.deadline, call.confirmed_at + self._ack_window(call))
        else:
            call.due = call.deadline

    def _waited_long_enough(self, call: OutgoingCall, now: float) -> None:
        """The peer did not become ready in time: send all the same, unless that cannot succeed."""
        peer = self._peers.peer(call.destination)
        if not peer.listed:
            self._settle(call, RpcError._built_in(_Code.RECIPIENT_NOT_FOUND, reason("not_listed")))
            return
        try:
            self._send(call, peer, now)
        except RpcError as error:
            self._settle(call, error)

    def _expire(self, call: OutgoingCall, now: float) -> None:
        """A call's time has come: give up, and say truthfully why."""
        if call.state is CallState.SENT and now < call.deadline:
            self._schedule(call)
            return
        listed = self._peers.peer(call.destination).listed
        code, why = _diagnose(call, now, online=self.online, listed=listed)
        if call.peer is not None:
            self._output.send_cancel(call)
        self._settle(call, RpcError._built_in(code, reason(why)))

    # Bookkeeping

    def _expected(self, sender: str, request_id: str) -> OutgoingCall | None:
        """The call that `sender` may answer. Servers blank the identity of hidden participants."""
        call = self._calls.get(request_id)
        if call is None or call.state is CallState.WAITING:
            return None
        was_listed = call.peer is not None and call.peer.listed
        return call if sender == call.destination or (not sender and not was_listed) else None

    def _calls_to(self, identity: str) -> list[OutgoingCall]:
        return [call for call in self._calls.values() if call.destination == identity]

    def _round_trip(self, call: OutgoingCall) -> float:
        """Seconds to the peer and back: measured on earlier calls, else at least to the server."""
        return self._round_trips.get(call.destination, self.link_round_trip)

    def _measure(self, identity: str, sample: float) -> None:
        known = self._round_trips.get(identity)
        self._round_trips[identity] = sample if known is None else known + _RTT_GAIN * (sample - known)
        if len(self._round_trips) > MAX_ROUND_TRIPS:
            del self._round_trips[next(iter(self._round_trips))]

    def _settle(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        if self._forget(call):
            self._output.settle(call, outcome)

    def _forget(self, call: OutgoingCall) -> bool:
        """Take a call out; False if it was settled before."""
        if call.state is CallState.SETTLED:
            return False
        call.state = CallState.SETTLED
        call.due = None
        self._timers.finished(call)
        self._calls.pop(call.request_id, None)
        return True


def _diagnose(call: OutgoingCall, now: float, *, online: bool, listed: bool) -> tuple[_Code, str]:
    """Why a call's time ran out; `listed` is whether its destination is known now."""
    if call.restarted:
        return _Code.RESPONSE_TIMEOUT, "peer_restarted"
    if call.state is CallState.WAITING:
        if not online:
            return _Code.RESPONSE_TIMEOUT, "reconnecting"
        return (_Code.RESPONSE_TIMEOUT, "recipient_not_ready") if listed else (_Code.RECIPIENT_NOT_FOUND, "not_listed")
    if call.state is CallState.CONFIRMED and not call.listed:
        return _Code.RECIPIENT_NOT_FOUND, "not_listed"
    if call.state is CallState.CONFIRMED:
        late = now >= call.deadline
        return _Code.RESPONSE_TIMEOUT if late else _Code.CONNECTION_TIMEOUT, "not_acknowledged"
    return _Code.RESPONSE_TIMEOUT, "no_response" if call.state is CallState.ACKED else "request_not_delivered"
