"""Row 29: the cost of a call is independent of the number in flight, measured in function calls instead of time."""

from __future__ import annotations

import sys
from collections import deque
from types import FrameType

from livekit.rpc.outgoing_call import OutgoingCall
from livekit.rpc.responder import IncomingCall
from livekit.rpc.wire import VERSION_2
from tests.rpc.core_fixtures import V2, CallerHarness, ResponderHarness

ROUNDS = 5_000
MOST_WORK = 122
"""Maximum function calls per call in both cores together; lower it with them."""


class Pair:
    """Both cores back to back, with a constant number of calls in flight."""

    def __init__(self, in_flight: int) -> None:
        self.caller = CallerHarness(bob=V2)
        self.responder = ResponderHarness()
        self.calls: deque[tuple[OutgoingCall, IncomingCall]] = deque()
        for _ in range(in_flight):
            self.begin()

    def begin(self) -> None:
        call = self.caller.start(payload="payload")
        served = self.responder.begin(
            "alice", call.request_id, timeout_ms=call.timeout_ms, version=2, expected=VERSION_2
        )
        assert served is not None
        self.responder.core.payload_received(served, "payload")
        self.caller.request_delivered(call)
        self.caller.acked(call)
        self.calls.append((call, served))

    def end(self) -> None:
        call, served = self.calls.popleft()
        self.responder.core.finish(served, "answer")
        self.caller.core.receive_response("bob", call.request_id, "answer")

    def advance(self) -> None:
        self.caller.now += 0.0001
        self.responder.now += 0.0001

    def work(self) -> float:
        """Return the function calls, of Python and C, per RPC call."""
        count = 0

        def note(frame: FrameType, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            for _ in range(ROUNDS):
                self.advance()
                self.begin()
                self.end()
        finally:
            sys.setprofile(None)
        return count / ROUNDS


def test_row_29_work_per_call_is_constant_from_1_to_1000_in_flight() -> None:
    work = {in_flight: Pair(in_flight).work() for in_flight in (1, 64, 1000)}
    assert max(work.values()) < 1.05 * min(work.values()), work
    assert max(work.values()) < MOST_WORK, work


def test_row_29_memory_is_bounded_by_calls_in_flight() -> None:
    pair = Pair(1000)
    pair.work()
    assert len(pair.caller.core) == len(pair.responder.core) == 1000
    for core in (pair.caller.core, pair.responder.core):
        assert len(core._deadlines._items) == 1000
        assert len(core._deadlines) <= 3_100
