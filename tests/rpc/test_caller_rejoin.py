"""`Caller`: calls to participants that are missing after our own full reconnect (row 18)."""

from __future__ import annotations

import pytest

from livekit.rpc.outgoing_call import OutgoingCallState
from livekit.rpc.peer_timing import MIN_GRACE, READY_WAIT
from tests.rpc.core_fixtures import JOINED, V2, CallerHarness, Code, reason_data


def rejoined(*, announces: bool = True) -> CallerHarness:
    """Return a caller whose room is new, and where Bob is missing since."""
    harness = CallerHarness(bob=V2)
    harness.core.timing.announces_joins = announces
    harness.set_online(False)
    return harness


@pytest.mark.parametrize("announces", [True, False])
def test_row_18_an_unsent_call_waits_for_a_callee_that_is_back_later(announces: bool) -> None:
    harness = rejoined(announces=announces)
    call = harness.start(budget=20.0)
    harness.miss("bob")
    harness.set_online(True)
    harness.advance(3.0)
    assert (harness.sent, harness.outcome(call)) == ([], None)
    harness.set_peer("bob", JOINED)
    harness.advance(3.0)
    assert harness.sent == []
    harness.set_peer("bob", V2)
    assert harness.sent == [call]


def test_row_18_a_callee_that_does_not_come_back() -> None:
    harness = rejoined()
    call, short = harness.start(budget=20.0), harness.start(budget=1.0)
    harness.miss("bob")
    harness.advance(2.0)
    assert harness.ended(short) == (1.0, Code.RESPONSE_TIMEOUT, reason_data("reconnecting"))
    harness.set_online(True)
    harness.advance(10.0)
    assert harness.ended(call) == (2.0 + READY_WAIT, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))
    assert harness.sent == harness.cancelled == []


def test_row_18_a_callee_that_is_back_before_it_is_announced() -> None:
    """It returned up to `READY_WAIT` after us, and the server takes as long again to announce it."""
    harness = rejoined(announces=False)
    call = harness.start(budget=20.0)
    harness.miss("bob")
    harness.set_online(True)
    harness.advance(READY_WAIT)
    assert harness.sent == [call], "as to any participant that is not listed"
    harness.request_delivered(call)
    harness.acked(call)
    harness.core.receive_response("bob", call.request_id, "answer")
    assert harness.outcome(call) == "answer"


def test_row_18_a_large_request_waits_for_the_late_announcement() -> None:
    harness = rejoined(announces=False)
    call = harness.start(payload="x" * 20_000, budget=20.0)
    harness.miss("bob")
    harness.set_online(True)
    harness.advance(READY_WAIT + 3.0)
    assert (harness.sent, harness.outcome(call)) == ([], None)
    harness.advance(1.0)
    assert harness.ended(call) == (2 * READY_WAIT, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))


def test_row_18_a_callee_that_never_comes_back_on_a_server_that_announces_late() -> None:
    harness = rejoined(announces=False)
    call = harness.start(budget=20.0)
    harness.miss("bob")
    harness.set_online(True)
    harness.advance(READY_WAIT)
    harness.request_delivered(call)
    harness.advance(10.0)
    assert harness.ended(call) == (2 * READY_WAIT, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))
    assert harness.cancelled == [call]


def test_row_18_a_call_made_after_the_rejoin_waits_for_the_rest_of_the_time() -> None:
    harness = rejoined()
    harness.miss("bob")
    harness.set_online(True)
    harness.advance(3.0)
    call = harness.start()
    assert harness.sent == []
    harness.advance(1.0)
    assert harness.ended(call) == (READY_WAIT, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))
    late = harness.start()
    assert harness.sent == [late], "an unlisted callee as any other"
    harness.request_delivered(late)
    harness.advance(1.0)
    assert harness.ended(late) == (4.0 + MIN_GRACE, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))


def test_row_18_a_callee_never_seen_is_not_expected() -> None:
    harness = rejoined()
    harness.miss("bob")
    harness.set_online(True)
    call = harness.start("carol")
    assert harness.sent == [call]


@pytest.mark.parametrize("state", [OutgoingCallState.SENT, OutgoingCallState.DELIVERED, OutgoingCallState.ACKED])
def test_row_11_what_was_sent_and_lost_fails(state: OutgoingCallState) -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    if state is not OutgoingCallState.SENT:
        harness.request_delivered(call)
    if state is OutgoingCallState.ACKED:
        harness.acked(call)
    harness.set_online(False)
    harness.miss("bob")
    assert harness.ended(call) == (0.0, Code.RECIPIENT_DISCONNECTED, None)


def test_row_18_a_request_still_in_the_send_queue_was_not_sent() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    harness.queued = [call]
    harness.set_online(False)
    harness.miss("bob")
    harness.set_online(True)
    harness.set_peer("bob", V2)
    assert harness.sent == [call, call]
    assert harness.outcome(call) is None


def test_row_18_a_callee_that_came_back_and_left_is_not_expected() -> None:
    harness = rejoined()
    call = harness.start()
    harness.miss("bob")
    harness.set_online(True)
    harness.set_peer("bob", JOINED)
    harness.leave("bob")
    assert harness.ended(call) == (0.0, Code.RECIPIENT_DISCONNECTED, None)
    again = harness.start()
    assert harness.sent == [again]
