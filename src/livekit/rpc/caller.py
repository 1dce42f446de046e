"""State machine of outgoing calls: sending, timeouts and completion. No I/O, no clock.

The shell passes in received packets and the time, and carries out the actions requested through `CallerOutput`. The
states of a call are

    WAITING (for the connection or the peer) → SENT → DELIVERED (by the transport) → ACKED → COMPLETED

A call completes exactly once; packets that arrive for it later are dropped. A request that was sent before its callee
was listed is repeated, with the same id, if it is not acknowledged once the callee is listed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from livekit._util.utf8 import utf8_length

from . import wire
from .deadline_heap import DeadlineHeap
from .errors import RpcError, built_in_error, reason
from .outgoing_call import OutgoingCall, OutgoingCallState, diagnose
from .peer_info import PeerInfo, PeerLookup
from .peer_timing import READY_WAIT, PeerTiming
from .returning_peers import ReturningPeers

_Code = RpcError.ErrorCode


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerLimits:
    """Configuration of a `Caller`."""

    max_payload_size: int | None = 262_144
    """UTF-8 bytes per request or response with version 2 peers; None for no limit."""
    fail_fast_while_reconnecting: bool = False
    """Fail calls made without a connection instead of waiting for it."""


class CallerOutput(Protocol):
    """Actions that the core requests. They must not call back into the core, except for `Caller.set_timeout`."""

    def send_request(self, call: OutgoingCall) -> None:
        """Pass the request to the transport, and call `Caller.request_delivered` once it is delivered.

        A shell that queues the request must call `Caller.set_timeout` when it sends it, or `Caller.requeue`.

        Raises:
            RpcError: it cannot be sent.
        """
        ...

    def withdraw_request(self, call: OutgoingCall) -> bool:
        """Withdraw a request that the transport has not taken yet; return False if it has."""
        ...

    def send_cancel(self, call: OutgoingCall) -> None:
        """Send the callee a cancel: the answer is no longer needed."""
        ...

    def complete(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        """Report the outcome of a call."""
        ...

    def fail_disconnected(self, calls: Sequence[OutgoingCall]) -> None:
        """Report RECIPIENT_DISCONNECTED for calls, which may be very many: not all need be reported at once."""
        ...


class Caller:
    """All outgoing calls of one room."""

    def __init__(self, output: CallerOutput, peers: PeerLookup, limits: CallerLimits | None = None) -> None:
        self._output = output
        self._peers = peers
        self._limits = limits or CallerLimits()
        self._in_flight: dict[str, OutgoingCall] = {}
        self._deadlines: DeadlineHeap[OutgoingCall] = DeadlineHeap()
        self.timing = PeerTiming()
        self._returning = ReturningPeers(READY_WAIT)
        self.online = False
        """The connection accepts packets; calls wait while it does not."""

    def __len__(self) -> int:
        return len(self._in_flight)

    def start(
        self,
        destination: str,
        method: str,
        payload: str,
        *,
        request_id: str = "",
        budget: float,
        ack_timeout: float,
        wait_for_ready: bool = False,
        waiter: object = None,
        now: float,
    ) -> OutgoingCall:
        """Start a call. It never completes before this method returns.

        Args:
            request_id: unused before; empty for a new one.

        Raises:
            RpcError: the call cannot be made (too large, no permission on either side, or reconnecting with
                `fail_fast_while_reconnecting`). No call is pending then.
            UnicodeEncodeError: the payload, method or identity contains lone surrogates.
        """
        size = self._checked_size(destination, method, payload)
        deadline = now + budget
        call = OutgoingCall(
            request_id or wire.new_request_id(),
            destination,
            method,
            payload,
            size,
            deadline,
            ack_timeout,
            wait_for_ready,
            waiter,
        )
        self._begin_waiting(call, now)
        if self.online:
            self._dispatch(call, now)
        else:
            call.due = deadline
        self._in_flight[call.request_id] = call
        self._deadlines.add(call)
        return call

    def _checked_size(self, destination: str, method: str, payload: str) -> int:
        """Return the payload's size in bytes. Raises like `start`."""
        utf8_length(destination + method)
        blocked = self._peers.blocked_reason()
        if blocked is None and not self.online and self._limits.fail_fast_while_reconnecting:
            blocked = "reconnecting"
        if blocked is not None:
            raise built_in_error(_Code.SEND_FAILED, reason(blocked))
        size, limit = utf8_length(payload), self._limits.max_payload_size
        if limit is not None and size > limit:
            raise built_in_error(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes"))
        return size

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
        self._returning.set_online(online, now)
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
            call.update_due(self.timing)
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
            self.timing.update(call.destination, now - call.delivered_at)
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
        peer = self._peers.peer(identity)
        if peer.listed:
            self._returning.discard(identity)
        for call in self._calls_to(identity):
            if call.is_unconfirmed and peer.listed and not self._withdraw(call, now):
                call.expect_repeat(now if peer.ready else now + READY_WAIT, self.timing)
                self._deadlines.add(call)
            elif call.state is OutgoingCallState.WAITING and self.online:
                if peer.listed and not call.listed:
                    self._begin_waiting(call, now)
                self._dispatch_or_complete(call, now)

    def peer_left(self, identity: str) -> None:
        """A participant left: fail the calls to it, except unsent ones with `wait_for_ready`."""
        self.timing.forget(identity)
        self._returning.discard(identity)
        self._fail_disconnected(
            call
            for call in self._calls_to(identity)
            if call.state is not OutgoingCallState.WAITING or not call.wait_for_ready
        )

    def peer_missing(self, identity: str, now: float) -> None:
        """A participant is not in the room after our own full reconnect: it may be reconnecting too.

        Calls that were sent fail; those that were not wait for it.
        """
        self.timing.forget(identity)
        self._returning.add(identity)
        self._fail_disconnected(
            call
            for call in self._calls_to(identity)
            if call.state is not OutgoingCallState.WAITING and not self._withdraw(call, now)
        )

    def peer_restarted(self, identity: str) -> None:
        """A participant reconnected in full, under a new sid: it may still answer until each call's deadline."""
        for call in self._calls_to(identity):
            if call.state is not OutgoingCallState.WAITING and call.repeat_from is None:
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
            elif call.state is OutgoingCallState.DELIVERED and call.repeat_from is not None and now < call.deadline:
                self._repeat(call, now)
            else:
                self._expire(call, now)
            if call.due is not None:
                self._deadlines.add(call)

    # State transitions

    def _begin_waiting(self, call: OutgoingCall, now: float) -> None:
        """Set how long to wait for the peer before sending anyway or, where that cannot succeed, failing."""
        peer = self._peers.peer(call.destination)
        call.listed = peer.listed
        if peer.announced:
            max_wait = READY_WAIT
        else:
            returning = self._returning.remaining(call.destination, now)
            call.returning = returning > 0 and not self.timing.announces_joins
            max_wait = returning or self.timing.listing_grace(call.destination)
        call.wait_until = call.deadline if call.wait_for_ready else min(call.deadline, now + max_wait)

    def _dispatch(self, call: OutgoingCall, now: float, *, anyway: bool = False) -> None:
        """Send the request if the peer is ready, or `anyway`, else wait. Raises RpcError if sending fails."""
        peer = self._peers.peer(call.destination)
        if peer.listed:
            may_send = peer.ready
        else:  # it may exist nevertheless, unless our own full reconnect shows that it has yet to return
            may_send = not call.wait_for_ready and not self._returning.remaining(call.destination, now)
        # A large payload needs the announcement, which has the peer's version.
        if anyway or (may_send and (peer.announced or call.payload_size <= wire.MAX_V1_PAYLOAD_BYTES)):
            self._send(call, peer, now)
        else:
            call.due = call.wait_until

    def _dispatch_or_complete(self, call: OutgoingCall, now: float, *, anyway: bool = False) -> None:
        """Call `_dispatch`; a failure becomes the outcome."""
        try:
            self._dispatch(call, now, anyway=anyway)
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
        call.due = call.ack_due(now, self.timing)
        self._output.send_request(call)

    def set_timeout(self, call: OutgoingCall, now: float) -> None:
        """Set the timeout in the request, which is sent now: the budget left when it arrives."""
        remaining = call.deadline - now - self.timing.rtt(call.destination) / 2
        call.timeout_ms = max(1, int(min(remaining * 1000, wire.MAX_TIMEOUT_MS)))

    def _ready_wait_expired(self, call: OutgoingCall, now: float) -> None:
        """The peer did not become ready in time: send anyway, unless it is not listed."""
        if self._peers.peer(call.destination).listed:
            self._dispatch_or_complete(call, now, anyway=True)
        elif call.returning:  # it may be back, and not announced yet
            self._begin_waiting(call, now)
            self._dispatch_or_complete(call, now)
        else:
            self._complete(call, built_in_error(_Code.RECIPIENT_NOT_FOUND, reason("not_listed")))

    def _withdraw(self, call: OutgoingCall, now: float) -> bool:
        """Return a request to WAITING if the transport has not taken it yet; return False if it has."""
        if call.state is not OutgoingCallState.SENT or not self._output.withdraw_request(call):
            return False
        self.requeue(call, now)
        return True

    def _repeat(self, call: OutgoingCall, now: float) -> None:
        """Send a request again that reached no participant."""
        call.repeat_from = None
        if self.online:
            self._dispatch_or_complete(call, now, anyway=True)
        else:
            self.requeue(call, now)

    def _expire(self, call: OutgoingCall, now: float) -> None:
        """Fail a call that timed out, with the cause."""
        if call.state is OutgoingCallState.SENT and now < call.deadline:
            call.update_due(self.timing)
            return
        listed = self._peers.peer(call.destination).listed
        code, why = diagnose(call, now, online=self.online, listed=listed)
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

    def _complete(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        if self._remove(call):
            self._output.complete(call, outcome)

    def _fail_disconnected(self, calls: Iterable[OutgoingCall]) -> None:
        self._output.fail_disconnected([call for call in calls if self._remove(call)])

    def _remove(self, call: OutgoingCall) -> bool:
        """Remove a call; return False if it had completed already."""
        if call.state is OutgoingCallState.COMPLETED:
            return False
        call.state = OutgoingCallState.COMPLETED
        call.due = None
        self._deadlines.remove(call)
        self._in_flight.pop(call.request_id, None)
        return True
