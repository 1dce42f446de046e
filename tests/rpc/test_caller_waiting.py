"""`Caller`: waiting for the connection, and for peers that are not listed, not ready, or reconnecting."""

from __future__ import annotations

import pytest

from livekit.rpc.caller import CallerLimits
from livekit.rpc.errors import RpcError
from livekit.rpc.outgoing_call import OutgoingCallState
from livekit.rpc.peer_info import PeerInfo
from livekit.rpc.peer_timing import GRACE_RTTS, MIN_GRACE, READY_WAIT
from livekit.rpc.wire import MAX_V1_PAYLOAD_BYTES
from tests.rpc.core_fixtures import HEARD, JOINED, V1, V2, CallerHarness, Code, code_and_data, reason_data

LARGE = "x" * (MAX_V1_PAYLOAD_BYTES + 1)

# Row 7: while reconnecting


def test_row_07_calls_wait_for_the_connection_within_their_budget() -> None:
    harness = CallerHarness(bob=V2)
    harness.core.set_online(False, harness.now)
    lucky, unlucky = harness.start(budget=5.0), harness.start(budget=1.0)
    harness.advance(2.0)
    assert harness.ended(unlucky) == (1.0, Code.RESPONSE_TIMEOUT, reason_data("reconnecting"))
    harness.core.set_online(True, harness.now)
    assert harness.sent == [lucky]
    assert lucky.timeout_ms == 3000
    assert harness.cancelled == []


def test_row_07_fail_fast() -> None:
    harness = CallerHarness(CallerLimits(fail_fast_while_reconnecting=True), bob=V2)
    harness.core.set_online(False, harness.now)
    with pytest.raises(RpcError) as caught:
        harness.start()
    assert code_and_data(caught.value) == (Code.SEND_FAILED, reason_data("reconnecting"))


def test_row_07_a_sent_call_outlives_a_lost_connection() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    harness.core.set_online(False, harness.now)
    harness.advance(1.0)
    harness.core.set_online(True, harness.now)
    harness.core.receive_response("bob", call.request_id, "answer")
    assert harness.sent == [call]
    assert harness.outcome(call) == "answer"


def test_a_call_keeps_waiting_for_its_peer_when_the_connection_is_lost() -> None:
    harness = CallerHarness(bob=JOINED)
    call = harness.start(budget=10.0)
    harness.core.set_online(False, harness.now)
    harness.advance(5.0)
    harness.set_peer("bob", V2)
    assert harness.sent == []
    harness.core.set_online(True, harness.now)
    assert harness.sent == [call]


# Row 8: unlisted peers


@pytest.mark.parametrize(("announces", "grace"), [(True, MIN_GRACE), (False, READY_WAIT)])
def test_row_08_a_request_to_an_unlisted_peer_has_a_grace_period(announces: bool, grace: float) -> None:
    harness = CallerHarness()
    harness.core.timing.announces_joins = announces
    call = harness.start()
    assert harness.sent == [call]
    assert call.version == 1
    harness.advance(1.0)
    harness.request_delivered(call)
    harness.advance(10.0)
    assert harness.ended(call) == (1.0 + grace, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))
    assert harness.cancelled == [call]


def test_row_08_the_grace_grows_with_the_round_trip() -> None:
    harness = CallerHarness()
    harness.core.timing.announces_joins = True
    harness.core.timing.server_rtt = 0.2
    call = harness.start()
    harness.request_delivered(call)
    harness.advance(10.0)
    assert harness.ended(call)[:2] == (GRACE_RTTS * 0.2, Code.RECIPIENT_NOT_FOUND)


def test_row_08_the_budget_bounds_the_grace() -> None:
    harness = CallerHarness()
    call = harness.start(budget=1.0)
    harness.request_delivered(call)
    harness.advance(10.0)
    assert harness.ended(call) == (1.0, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))


def test_row_08_an_unlisted_peer_that_acknowledges_gets_the_whole_budget() -> None:
    harness = CallerHarness()
    harness.core.timing.announces_joins = True
    call = harness.start(budget=5.0)
    harness.request_delivered(call)
    harness.acked(call)
    harness.advance(4.0)
    harness.core.receive_response("bob", call.request_id, "here")
    assert harness.outcome(call) == "here"


def test_row_08_a_peer_that_sent_a_packet_counts_as_listed() -> None:
    harness = CallerHarness(bob=HEARD)
    harness.core.timing.announces_joins = True
    call = harness.start()
    harness.request_delivered(call)
    harness.advance(10.0)
    assert harness.ended(call)[:2] == (7.0, Code.CONNECTION_TIMEOUT)


@pytest.mark.parametrize(("announces", "grace"), [(True, MIN_GRACE), (False, READY_WAIT)])
def test_row_08_a_large_payload_waits_for_the_listing(announces: bool, grace: float) -> None:
    harness = CallerHarness()
    harness.core.timing.announces_joins = announces
    call = harness.start(payload=LARGE)
    assert harness.sent == []
    harness.advance(10.0)
    assert harness.ended(call) == (grace, Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))
    assert harness.cancelled == []


def test_row_08_a_large_payload_is_sent_on_the_listing() -> None:
    harness = CallerHarness(carol=HEARD)
    to_absent, to_heard = harness.start(payload=LARGE), harness.start("carol", LARGE)
    harness.advance(1.0)
    assert harness.sent == []
    harness.set_peer("bob", V2)
    harness.set_peer("carol", V1)
    assert harness.sent == [to_absent, to_heard]
    assert [call.version for call in harness.sent] == [2, 2]


def test_row_08_a_large_payload_to_an_unannounced_peer_falls_back_to_version_1() -> None:
    harness = CallerHarness(bob=HEARD)
    call = harness.start(payload=LARGE)
    harness.advance(READY_WAIT)
    assert harness.ended(call) == (
        READY_WAIT,
        Code.REQUEST_PAYLOAD_TOO_LARGE,
        reason_data("recipient_takes_15360_bytes"),
    )


def test_row_08_a_large_payload_keeps_waiting_until_a_new_peer_is_ready() -> None:
    harness = CallerHarness()
    harness.core.timing.announces_joins = True
    call = harness.start(payload=LARGE)
    harness.advance(0.2)
    harness.set_peer("bob", JOINED)
    harness.advance(3.0)
    assert harness.sent == []
    harness.set_peer("bob", V2)
    assert harness.sent == [call]


# Row 11: the recipient leaves


@pytest.mark.parametrize(
    "state", [OutgoingCallState.WAITING, OutgoingCallState.SENT, OutgoingCallState.DELIVERED, OutgoingCallState.ACKED]
)
def test_row_11_the_recipient_leaves(state: OutgoingCallState) -> None:
    harness = CallerHarness(bob=JOINED if state is OutgoingCallState.WAITING else V2, carol=V2)
    call, other = harness.start(), harness.start("carol")
    if state in (OutgoingCallState.DELIVERED, OutgoingCallState.ACKED):
        harness.request_delivered(call)
    if state is OutgoingCallState.ACKED:
        harness.acked(call)
    assert call.state is state
    harness.leave("bob")
    assert harness.ended(call) == (0.0, Code.RECIPIENT_DISCONNECTED, None)
    assert harness.outcome(other) is None


@pytest.mark.parametrize("confirm", [True, False])
def test_row_11_a_peer_that_reconnected_may_still_answer(confirm: bool) -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(budget=10.0)
    if confirm:
        harness.request_delivered(call)
    harness.core.peer_restarted("bob")
    harness.request_delivered(call)
    harness.set_peer("bob", V2)
    harness.advance(9.0)
    harness.core.receive_response("bob", call.request_id, "late, but here")
    assert harness.outcome(call) == "late, but here"


def test_row_11_a_peer_that_reconnected_and_does_not_answer() -> None:
    harness = CallerHarness(bob=V2, carol=JOINED)
    call, waiting = harness.start(budget=10.0), harness.start("carol", budget=10.0)
    harness.request_delivered(call)
    harness.core.peer_restarted("bob")
    harness.core.peer_restarted("carol")
    harness.advance(10.0)
    assert harness.ended(call) == (10.0, Code.RESPONSE_TIMEOUT, reason_data("peer_restarted"))
    assert waiting.restarted is False


def test_row_11_a_peer_that_reconnected_and_left() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    harness.core.peer_restarted("bob")
    harness.leave("bob")
    assert harness.ended(call)[:2] == (0.0, Code.RECIPIENT_DISCONNECTED)


# Row 18: peers that are not ready


def test_row_18_calls_wait_for_a_joined_peer() -> None:
    harness = CallerHarness(bob=JOINED)
    call = harness.start()
    harness.advance(3.0)
    assert harness.sent == []
    harness.set_peer("bob", JOINED)
    assert harness.sent == []
    harness.set_peer("bob", V2)
    assert harness.sent == [call]


def test_row_18_the_request_is_finally_sent_to_an_unready_peer() -> None:
    harness = CallerHarness(bob=JOINED)
    call = harness.start()
    harness.advance(READY_WAIT)
    assert harness.sent == [call]
    assert call.timeout_ms == 11_500


def test_row_18_a_short_budget_ends_before_readiness() -> None:
    harness = CallerHarness(bob=JOINED)
    call = harness.start(budget=1.0)
    harness.advance(2.0)
    assert harness.ended(call) == (1.0, Code.RESPONSE_TIMEOUT, reason_data("recipient_not_ready"))


def test_row_18_wait_for_ready_waits_for_an_absent_peer() -> None:
    harness = CallerHarness()
    call = harness.start(budget=20.0, wait_for_ready=True)
    harness.advance(10.0)
    harness.set_peer("bob", JOINED)
    harness.advance(9.0)
    assert harness.sent == []
    harness.leave("bob")
    assert harness.outcome(call) is None
    harness.set_peer("bob", V2)
    assert harness.sent == [call]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (None, (Code.RECIPIENT_NOT_FOUND, reason_data("not_listed"))),
        (JOINED, (Code.RESPONSE_TIMEOUT, reason_data("recipient_not_ready"))),
    ],
)
def test_row_18_wait_for_ready_expires(peer: PeerInfo | None, expected: tuple[int, str]) -> None:
    harness = CallerHarness()
    if peer is not None:
        harness.peers.peers["bob"] = peer
    call = harness.start(budget=5.0, wait_for_ready=True)
    harness.advance(6.0)
    assert harness.ended(call) == (5.0, *expected)
    assert harness.sent == []


def test_row_18_wait_for_ready_fails_if_the_peer_leaves_after_sending() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(wait_for_ready=True)
    harness.leave("bob")
    assert harness.ended(call)[:2] == (0.0, Code.RECIPIENT_DISCONNECTED)


@pytest.mark.parametrize("online", [True, False])
def test_requeue_waits_for_the_restarted_peer(online: bool) -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(budget=10.0)
    harness.peers.peers["bob"] = JOINED
    harness.core.set_online(online, harness.now)
    harness.core.requeue(call, harness.now)
    assert (call.state, call.peer) == (OutgoingCallState.WAITING, None)
    assert call.due == harness.now + (READY_WAIT if online else 10.0)
    harness.core.set_online(True, harness.now)
    harness.set_peer("bob", V2)
    assert harness.sent == [call, call]
    assert call.state is OutgoingCallState.SENT


def test_discard_reports_nothing() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    harness.core.discard(call)
    harness.core.receive_response("bob", call.request_id, "late")
    harness.advance(100.0)
    assert (harness.outcome(call), harness.cancelled, len(harness.core)) == (None, [], 0)
