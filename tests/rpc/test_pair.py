"""A caller and its callees over a network that delays, duplicates, reorders between peers, loses peers and spoofs.

For each request: at most one invocation, exactly one outcome, a success only if the handler ran to its end, and all of
it within the budget. `make test-long` runs 10,000 examples.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from livekit.rpc.caller import Caller
from livekit.rpc.errors import RpcError, built_in_error
from livekit.rpc.outgoing_call import OutgoingCall, OutgoingCallState
from livekit.rpc.peer_info import PeerInfo
from livekit.rpc.responder import IncomingCall, Responder, ResponderLimits
from livekit.rpc.wire import VERSION_1
from tests.rpc.core_fixtures import JOINED, V0, V2, Code, PeerTable

ALLOWANCE = 0.25
"""Seconds by which a call may exceed its budget."""

Message = tuple[str, str, str]
"""Kind, sender, request id."""


@dataclass
class Fate:
    """The history of a request."""

    call: OutgoingCall
    started: float
    budget: float
    outcomes: list[str | RpcError] = field(default_factory=list[str | RpcError])
    completed_at: float | None = None
    cancelled: bool = False
    """The caller cancelled it, so it has no outcome."""
    cancels: int = 0


def is_lie(call: OutgoingCall, sender: str) -> bool:
    """Return True if `sender` may not answer the call."""
    return sender != call.destination if sender else call.peer is None or call.peer.listed


class Callee:
    """The responder of one stay of a participant."""

    def __init__(self, world: World, identity: str) -> None:
        self.world = world
        self.identity = identity
        self.core = Responder(self, ResponderLimits(max_concurrent_calls=20))
        self.running: list[IncomingCall] = []
        self.invocations: Counter[tuple[str, str]] = Counter()
        self.answers: Counter[tuple[str, str]] = Counter()

    def send_ack(self, call: IncomingCall) -> None:
        self.world.send(self.identity, call.caller, "ack", call.request_id)

    def run(self, call: IncomingCall) -> None:
        # A callee that rejoined knows no requests of spoofers to its predecessor; none of alice are pending by then.
        invocations = self.world.invocations if call.caller == "alice" else self.invocations
        invocations[call.caller, call.request_id] += 1
        assert invocations[call.caller, call.request_id] == 1
        self.running.append(call)

    def stop(self, call: IncomingCall) -> None:
        assert call in self.running
        fate = self.world.fates.get(call.request_id)
        if call.invocation.cancel_reason is None and call.caller == "alice":
            assert fate is not None
            assert fate.cancels, "cancelled by a participant that may not"

    def send_response(self, call: IncomingCall, payload: str) -> None:
        self.answer(call, f"response {payload}")

    def send_error(self, call: IncomingCall, error: RpcError) -> None:
        self.answer(call, "error")

    def answer(self, call: IncomingCall, kind: str) -> None:
        self.answers[call.caller, call.request_id] += 1
        assert self.answers[call.caller, call.request_id] == 1
        self.world.send(self.identity, call.caller, kind, call.request_id)


class World(RuleBasedStateMachine):
    """Alice calls Bob and Carol, who join and leave, and an unannounced ghost; Mallory spoofs packets."""

    @initialize(announces=st.booleans(), protocol=st.sampled_from([V0, V2, JOINED]))
    def open(self, announces: bool, protocol: PeerInfo) -> None:
        self.now = 1000.0
        self.peers = PeerTable({"bob": protocol, "carol": V2})
        self.caller = Caller(self, self.peers)
        self.caller.timing.announces_joins = announces
        self.caller.set_online(True, self.now)
        self.callees = {name: Callee(self, name) for name in ("bob", "carol", "ghost")}
        self.fates: dict[str, Fate] = {}
        self.invocations: Counter[tuple[str, str]] = Counter()
        self.completed: set[str] = set()
        self.channels: dict[tuple[str, str], deque[Message]] = {}
        self.delivered: list[tuple[str, Message]] = []
        for destination in ("bob", "carol", "ghost"):
            self.start(destination=destination, budget=15.0, ack_timeout=7.0, wait_for_ready=False, size=0)

    # What alice's core asks for

    def send_request(self, call: OutgoingCall) -> None:
        self.send("alice", call.destination, f"request {call.timeout_ms}", call.request_id)

    def withdraw_request(self, call: OutgoingCall) -> bool:
        return False

    def send_cancel(self, call: OutgoingCall) -> None:
        self.fates[call.request_id].cancels += 1
        self.send("alice", call.destination, "cancel", call.request_id)

    def fail_disconnected(self, calls: Sequence[OutgoingCall]) -> None:
        for call in calls:
            self.complete(call, built_in_error(RpcError.ErrorCode.RECIPIENT_DISCONNECTED))

    def complete(self, call: OutgoingCall, outcome: str | RpcError) -> None:
        fate = self.fates[call.request_id]
        fate.outcomes.append(outcome)
        fate.completed_at = self.now

    # The network

    def send(self, sender: str, receiver: str, kind: str, request_id: str) -> None:
        self.channels.setdefault((sender, receiver), deque()).append((kind, sender, request_id))

    def receive(self, receiver: str, message: Message) -> None:
        kind, sender, request_id = message
        word, _, rest = kind.partition(" ")
        callee = self.callees.get(receiver)
        if receiver == "alice":
            if word == "ack":
                self.caller.receive_ack(sender, request_id, self.now)
            elif word == "response":
                self.caller.receive_response(sender, request_id, rest)
            elif word == "error":
                self.caller.receive_error(sender, request_id, RpcError(Code.APPLICATION_ERROR, "failed"))
        elif callee is not None and word == "request":
            call = callee.core.begin(sender, request_id, "m", int(rest), VERSION_1, VERSION_1, self.now)
            if call is not None:
                callee.core.payload_received(call, "payload")
        elif callee is not None and word == "cancel":
            callee.core.receive_cancel(sender, request_id)

    # Rules

    @rule(
        destination=st.sampled_from(["bob", "carol", "ghost", "nobody"]),
        budget=st.sampled_from([0.1, 1.0, 5.0, 15.0, 15.0]),
        ack_timeout=st.sampled_from([0.5, 7.0]),
        wait_for_ready=st.sampled_from([False, False, True]),
        size=st.sampled_from([0, 0, 0, 15_361]),
    )
    def start(self, destination: str, budget: float, ack_timeout: float, wait_for_ready: bool, size: int) -> None:
        try:
            call = self.caller.start(
                destination,
                "m",
                "x" * size,
                budget=budget,
                ack_timeout=ack_timeout,
                wait_for_ready=wait_for_ready,
                now=self.now,
            )
        except RpcError:
            assert size > 0, "only a large payload is refused"
        else:
            self.fates[call.request_id] = Fate(call, self.now, budget)

    @rule(pick=st.randoms(use_true_random=False))
    def confirm(self, pick: Random) -> None:
        sent = [fate.call for fate in self.fates.values() if fate.call.state is OutgoingCallState.SENT]
        if sent:
            self.caller.request_delivered(pick.choice(sent), self.now)

    @rule(pick=st.randoms(use_true_random=False), count=st.integers(1, 5))
    def deliver(self, pick: Random, count: int) -> None:
        """Deliver messages: in order between two peers, otherwise in any order."""
        for _ in range(count):
            waiting = sorted(channel for channel, messages in self.channels.items() if messages)
            if not waiting:
                return
            channel = pick.choice(waiting)
            message = self.channels[channel].popleft()
            self.delivered.append((channel[1], message))
            self.receive(channel[1], message)

    @precondition(lambda self: self.delivered)
    @rule(pick=st.randoms(use_true_random=False))
    def deliver_again(self, pick: Random) -> None:
        self.receive(*pick.choice(self.delivered))

    @rule(seconds=st.sampled_from([0.01, 0.01, 0.1, 0.1, 0.2, 1.0, 7.0]))
    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            cores: list[Caller | Responder] = [self.caller, *(callee.core for callee in self.callees.values())]
            due = [(timer, core) for core in cores if (timer := core.next_timer()) is not None and timer <= until]
            if not due:
                break
            timer, core = min(due, key=lambda entry: entry[0])
            self.now = max(self.now, timer)
            core.handle_timer(self.now)
        self.now = until

    @rule(
        pick=st.randoms(use_true_random=False),
        how=st.sampled_from(["return", "return", "return", "raise", "return nonsense"]),
    )
    def handler_ends(self, pick: Random, how: str) -> None:
        busy = [callee for callee in self.callees.values() if callee.running]
        if not busy:
            return
        callee = pick.choice(busy)
        call = callee.running.pop(pick.randrange(len(callee.running)))
        if how == "return":
            self.completed.add(call.request_id)
            callee.core.finish(call, f"answer to {call.request_id}")
        elif how == "raise":
            callee.core.fail(call, RpcError(4711, "no"))
        else:
            callee.core.finish(call, object())

    @rule(pick=st.randoms(use_true_random=False))
    def give_up(self, pick: Random) -> None:
        pending = [fate for fate in self.fates.values() if fate.call.state is not OutgoingCallState.COMPLETED]
        if pending:
            fate = pick.choice(pending)
            fate.cancelled = True
            self.caller.cancel(fate.call)

    @rule(
        pick=st.randoms(use_true_random=False),
        kind=st.sampled_from(["ack", "response a lie", "response a lie", "error", "cancel", "request 1000"]),
        sender=st.sampled_from(["mallory", "", "carol"]),
    )
    def lie(self, pick: Random, kind: str, sender: str) -> None:
        """Spoof a packet about any request, from an uninvolved sender. (Unlisted peers may answer anonymously.)"""
        calls = [fate.call for fate in self.fates.values() if is_lie(fate.call, sender)]
        pending = [call for call in calls if call.state is not OutgoingCallState.COMPLETED]
        if calls:
            call = pick.choice(pending or calls)
            receiver = call.destination if kind in ("cancel", "request 1000") else "alice"
            self.receive(receiver, (kind, sender, call.request_id))

    @rule(name=st.sampled_from(["bob", "carol"]))
    def leave(self, name: str) -> None:
        """Drop the messages in flight from and to a participant that leaves."""
        for channel in [channel for channel in self.channels if name in channel]:
            del self.channels[channel]
        self.delivered = [(receiver, message) for receiver, message in self.delivered if receiver != name]
        self.callees[name] = Callee(self, name)
        self.peers.peers.pop(name, None)
        self.caller.peer_left(name)

    @rule(name=st.sampled_from(["bob", "carol"]), peer=st.sampled_from([V0, V2, JOINED]))
    def announce(self, name: str, peer: PeerInfo) -> None:
        self.peers.peers[name] = peer
        self.caller.peer_changed(name, self.now)

    @rule(name=st.sampled_from(["bob", "carol"]))
    def reconnect_in_full(self, name: str) -> None:
        if name in self.peers.peers:
            self.caller.peer_restarted(name)
            self.caller.peer_changed(name, self.now)

    @rule(online=st.booleans())
    def resume(self, online: bool) -> None:
        self.caller.set_online(online, self.now)

    # What holds

    @invariant()
    def one_outcome_in_time(self) -> None:
        for request_id, fate in self.fates.items():
            assert len(fate.outcomes) <= 1
            pending = fate.call.state is not OutgoingCallState.COMPLETED
            assert pending == (not fate.outcomes and not fate.cancelled)
            ended = self.now if pending else fate.completed_at
            assert ended is None or ended <= fate.started + fate.budget + ALLOWANCE
            for outcome in fate.outcomes:
                if isinstance(outcome, str):
                    assert request_id in self.completed
                    assert outcome == f"answer to {request_id}"

    @invariant()
    def nothing_is_kept(self) -> None:
        pending = sum(fate.call.state is not OutgoingCallState.COMPLETED for fate in self.fates.values())
        assert len(self.caller) == pending
        for callee in self.callees.values():
            assert len(callee.core) == len(callee.running)

    def teardown(self) -> None:
        if not hasattr(self, "caller"):
            return
        self.wait(20.0)
        for fate in self.fates.values():
            assert len(fate.outcomes) == (0 if fate.cancelled else 1)
        assert len(self.caller) == 0
        for callee in self.callees.values():
            for call in callee.running:
                callee.core.fail(call, RpcError(1, "closing"))
            assert len(callee.core) == 0
            assert callee.core._calls_per_caller == {}


configure = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

TestPair = World.TestCase
TestPair.settings = configure(max_examples=60, stateful_step_count=40)


@pytest.mark.slow
@pytest.mark.timeout(3600)
class TestPairForLong(World.TestCase):  # type: ignore[misc, valid-type]
    settings = configure(max_examples=10_000, stateful_step_count=50)
