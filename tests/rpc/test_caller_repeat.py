"""`Caller`: requests that were sent before their callee was listed are repeated (row 8)."""

from __future__ import annotations

import pytest

from livekit.rpc.outgoing_call import OutgoingCallState
from livekit.rpc.peer_timing import GRACE_RTTS, MIN_GRACE, MIN_REPEAT_DELAY, READY_WAIT
from tests.rpc.core_fixtures import HEARD, JOINED, V2, CallerHarness, Code, reason_data

NO_DATA = V2.__class__(listed=True, ready=True, can_publish_data=False)


def harness_of(*, announces: bool = True) -> CallerHarness:
    harness = CallerHarness()
    harness.core.timing.announces_joins = announces
    return harness


@pytest.mark.parametrize(("announces", "delay"), [(True, MIN_GRACE), (False, MIN_REPEAT_DELAY)])
def test_row_08_an_unacknowledged_request_is_repeated_once_its_callee_is_listed(announces: bool, delay: float) -> None:
    harness = harness_of(announces=announces)
    call = harness.start(budget=10.0)
    harness.request_delivered(call)
    harness.advance(0.1)
    harness.set_peer("bob", V2)
    harness.advance(delay - 0.001)
    assert harness.sent == [call]
    harness.advance(0.002)
    assert harness.sent == [call, call]
    assert call.version == 2
    assert call.timeout_ms == pytest.approx((9.9 - delay) * 1000, abs=1.5)
    harness.request_delivered(call)
    harness.acked(call)
    harness.core.receive_response("bob", call.request_id, "answer")
    assert harness.outcome(call) == "answer"
    assert harness.cancelled == []


def test_row_08_a_repeated_request_that_is_not_acknowledged_times_out() -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", V2)
    harness.advance(MIN_GRACE)
    harness.request_delivered(call)
    harness.advance(10.0)
    assert harness.sent == [call, call], "repeated once"
    assert harness.ended(call) == (MIN_GRACE + 7.0, Code.CONNECTION_TIMEOUT, reason_data("not_acknowledged"))
    assert harness.cancelled == [call]


@pytest.mark.parametrize("late", [False, True])
def test_row_08_an_acknowledged_request_is_not_repeated(late: bool) -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    if late:
        harness.set_peer("bob", V2)
        harness.advance(MIN_GRACE - 0.001)
    harness.acked(call)
    harness.set_peer("bob", V2)
    harness.advance(10.0)
    assert harness.sent == [call]


def test_row_08_the_repetition_waits_for_readiness() -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    harness.advance(0.1)
    harness.set_peer("bob", JOINED)
    harness.advance(2.0)
    harness.set_peer("bob", V2)
    harness.advance(MIN_GRACE - 0.001)
    assert harness.sent == [call], "the server may have kept the first one until the peer was ready"
    harness.advance(0.001)
    assert harness.sent == [call, call]


def test_row_08_the_request_is_finally_repeated_to_an_unready_peer() -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", JOINED)
    harness.advance(READY_WAIT + MIN_GRACE)
    assert harness.sent == [call, call]


def test_row_08_the_wait_for_an_acknowledgement_starts_with_the_delivery() -> None:
    harness = harness_of()
    call = harness.start()
    harness.set_peer("bob", V2)
    harness.advance(5.0)
    harness.request_delivered(call)
    harness.advance(MIN_GRACE - 0.001)
    assert harness.sent == [call]
    harness.advance(0.001)
    assert harness.sent == [call, call]


def test_row_08_the_wait_grows_with_the_round_trip() -> None:
    harness = harness_of()
    harness.core.timing.server_rtt = 0.2
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", V2)
    harness.advance(GRACE_RTTS * 0.2 - 0.001)
    assert harness.sent == [call]
    harness.advance(0.001)
    assert harness.sent == [call, call]


def test_row_08_a_short_latency_limits_the_wait() -> None:
    harness = harness_of()
    call = harness.start(ack_timeout=0.1)
    harness.request_delivered(call)
    harness.set_peer("bob", V2)
    harness.advance(0.1)
    assert harness.sent == [call, call]


def test_row_08_a_request_still_in_the_send_queue_is_sent_once() -> None:
    harness = harness_of()
    call = harness.start()
    harness.queued = [call]
    harness.set_peer("bob", V2)
    harness.queued = []
    assert harness.sent == [call, call], "withdrawn, and sent to the listed peer"
    harness.request_delivered(call)
    harness.advance(1.0)
    assert harness.sent == [call, call]


def test_row_08_a_peer_known_by_its_packets_gets_the_repetition() -> None:
    harness = harness_of(announces=False)
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", HEARD)
    harness.advance(MIN_REPEAT_DELAY)
    assert (harness.sent, call.version) == ([call, call], 1)


def test_row_08_the_budget_ends_before_the_repetition() -> None:
    harness = harness_of(announces=False)
    call = harness.start(budget=0.5)
    harness.request_delivered(call)
    harness.set_peer("bob", V2)
    harness.advance(1.0)
    assert harness.ended(call)[:2] == (0.5, Code.RESPONSE_TIMEOUT)
    assert harness.sent == [call]


def test_row_08_a_callee_that_may_not_answer_is_not_called_again() -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", NO_DATA)
    harness.advance(1.0)
    assert harness.ended(call) == (MIN_GRACE, Code.SEND_FAILED, reason_data("recipient_cannot_publish_data"))


def test_row_08_the_callee_leaves_before_the_repetition() -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", V2)
    harness.leave("bob")
    harness.advance(1.0)
    assert harness.ended(call)[:2] == (0.0, Code.RECIPIENT_DISCONNECTED)
    assert harness.sent == [call]


def test_row_08_the_callee_restarts_before_the_repetition() -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", JOINED)
    harness.core.peer_restarted("bob")
    harness.set_peer("bob", V2)
    harness.advance(MIN_GRACE)
    assert harness.sent == [call, call]
    assert not call.restarted


def test_row_08_an_outage_before_the_repetition() -> None:
    harness = harness_of()
    call = harness.start()
    harness.request_delivered(call)
    harness.set_peer("bob", V2)
    harness.set_online(False)
    harness.advance(2.0)
    assert (harness.sent, call.state) == ([call], OutgoingCallState.WAITING)
    harness.set_online(True)
    assert harness.sent == [call, call]
