"""What a call waits for: the connection, a peer that is not listed or not ready, one that left and comes back."""

from __future__ import annotations

import pytest

from livekit.rpc.caller import GRACE_ROUND_TRIPS, MIN_GRACE, READY_WAIT, CallerLimits, CallState
from livekit.rpc.errors import RpcError
from livekit.rpc.peer_info import Peer
from livekit.rpc.wire import MAX_V1_PAYLOAD_BYTES
from tests.rpc.core_fixtures import HEARD, JOINED, V1, V2, CallerRig, Code, because, why

LARGE = "x" * (MAX_V1_PAYLOAD_BYTES + 1)

# Row 7: while reconnecting


def test_row_07_calls_wait_for_the_connection_inside_their_budget() -> None:
    rig = CallerRig(bob=V2)
    rig.core.set_online(False, rig.now)
    lucky, unlucky = rig.start(budget=5.0), rig.start(budget=1.0)
    rig.advance(2.0)
    assert rig.ended(unlucky) == (1.0, Code.RESPONSE_TIMEOUT, because("reconnecting"))
    rig.core.set_online(True, rig.now)
    assert rig.sent == [lucky]
    assert lucky.timeout_ms == 3000
    assert rig.cancelled == []


def test_row_07_fail_fast() -> None:
    rig = CallerRig(CallerLimits(fail_fast_while_reconnecting=True), bob=V2)
    rig.core.set_online(False, rig.now)
    with pytest.raises(RpcError) as caught:
        rig.start()
    assert why(caught.value) == (Code.SEND_FAILED, because("reconnecting"))


def test_row_07_a_sent_call_outlives_a_lost_connection() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start()
    rig.core.set_online(False, rig.now)
    rig.advance(1.0)
    rig.core.set_online(True, rig.now)
    rig.core.receive_response("bob", call.request_id, "answer")
    assert rig.sent == [call]
    assert rig.outcome(call) == "answer"


def test_a_call_that_waits_for_its_peer_goes_on_to_wait_when_the_connection_is_lost() -> None:
    rig = CallerRig(bob=JOINED)
    call = rig.start(budget=10.0)
    rig.core.set_online(False, rig.now)
    rig.advance(5.0)
    rig.set_peer("bob", V2)
    assert rig.sent == []
    rig.core.set_online(True, rig.now)
    assert rig.sent == [call]


# Row 8: nobody listed of that name


@pytest.mark.parametrize(("announces", "grace"), [(True, MIN_GRACE), (False, READY_WAIT)])
def test_row_08_an_unlisted_peer_is_tried_and_has_a_grace(announces: bool, grace: float) -> None:
    rig = CallerRig()
    rig.core.announces_joins = announces
    call = rig.start()
    assert rig.sent == [call]
    assert call.version == 1
    rig.advance(1.0)
    rig.confirmed(call)
    rig.advance(10.0)
    assert rig.ended(call) == (1.0 + grace, Code.RECIPIENT_NOT_FOUND, because("not_listed"))
    assert rig.cancelled == [call]


def test_row_08_the_grace_grows_with_the_round_trip() -> None:
    rig = CallerRig()
    rig.core.announces_joins = True
    rig.core.link_round_trip = 0.2
    call = rig.start()
    rig.confirmed(call)
    rig.advance(10.0)
    assert rig.ended(call)[:2] == (GRACE_ROUND_TRIPS * 0.2, Code.RECIPIENT_NOT_FOUND)


def test_row_08_the_budget_bounds_the_grace() -> None:
    rig = CallerRig()
    call = rig.start(budget=1.0)
    rig.confirmed(call)
    rig.advance(10.0)
    assert rig.ended(call) == (1.0, Code.RECIPIENT_NOT_FOUND, because("not_listed"))


def test_row_08_an_unlisted_peer_that_acknowledges_has_the_whole_budget() -> None:
    rig = CallerRig()
    rig.core.announces_joins = True
    call = rig.start(budget=5.0)
    rig.confirmed(call)
    rig.acked(call)
    rig.advance(4.0)
    rig.core.receive_response("bob", call.request_id, "here")
    assert rig.outcome(call) == "here"


@pytest.mark.parametrize("confirm", [True, False])
def test_row_08_a_peer_announced_within_the_grace_is_waited_for_as_any_other(confirm: bool) -> None:
    rig = CallerRig()
    rig.core.announces_joins = True
    call = rig.start(budget=20.0)
    if confirm:
        rig.confirmed(call)
    rig.advance(0.1)
    rig.set_peer("bob", V2)
    rig.advance(30.0)
    expected = (7.0, Code.CONNECTION_TIMEOUT) if confirm else (20.0, Code.RESPONSE_TIMEOUT)
    assert rig.ended(call)[:2] == expected


def test_row_08_a_heard_peer_counts_as_listed() -> None:
    rig = CallerRig(bob=HEARD)
    rig.core.announces_joins = True
    call = rig.start()
    rig.confirmed(call)
    rig.advance(10.0)
    assert rig.ended(call)[:2] == (7.0, Code.CONNECTION_TIMEOUT)


@pytest.mark.parametrize(("announces", "grace"), [(True, MIN_GRACE), (False, READY_WAIT)])
def test_row_08_a_large_payload_waits_for_the_listing(announces: bool, grace: float) -> None:
    rig = CallerRig()
    rig.core.announces_joins = announces
    call = rig.start(payload=LARGE)
    assert rig.sent == []
    rig.advance(10.0)
    assert rig.ended(call) == (grace, Code.RECIPIENT_NOT_FOUND, because("not_listed"))
    assert rig.cancelled == []


def test_row_08_a_large_payload_goes_when_the_listing_comes() -> None:
    rig = CallerRig(carol=HEARD)
    to_absent, to_heard = rig.start(payload=LARGE), rig.start("carol", LARGE)
    rig.advance(1.0)
    assert rig.sent == []
    rig.set_peer("bob", V2)
    rig.set_peer("carol", V1)
    assert rig.sent == [to_absent, to_heard]
    assert [call.version for call in rig.sent] == [2, 2]


def test_row_08_a_large_payload_to_a_peer_that_is_only_heard_is_tried_in_version_1_at_last() -> None:
    rig = CallerRig(bob=HEARD)
    call = rig.start(payload=LARGE)
    rig.advance(READY_WAIT)
    assert rig.ended(call) == (READY_WAIT, Code.REQUEST_PAYLOAD_TOO_LARGE, because("recipient_takes_15360_bytes"))


def test_row_08_a_large_payload_waits_on_for_a_newcomer_to_be_ready() -> None:
    rig = CallerRig()
    rig.core.announces_joins = True
    call = rig.start(payload=LARGE)
    rig.advance(0.2)
    rig.set_peer("bob", JOINED)
    rig.advance(3.0)
    assert rig.sent == []
    rig.set_peer("bob", V2)
    assert rig.sent == [call]


# Row 11: the recipient leaves


@pytest.mark.parametrize("state", [CallState.WAITING, CallState.SENT, CallState.CONFIRMED, CallState.ACKED])
def test_row_11_the_recipient_leaves(state: CallState) -> None:
    rig = CallerRig(bob=JOINED if state is CallState.WAITING else V2, carol=V2)
    call, other = rig.start(), rig.start("carol")
    if state in (CallState.CONFIRMED, CallState.ACKED):
        rig.confirmed(call)
    if state is CallState.ACKED:
        rig.acked(call)
    assert call.state is state
    rig.leave("bob")
    assert rig.ended(call) == (0.0, Code.RECIPIENT_DISCONNECTED, None)
    assert rig.outcome(other) is None


@pytest.mark.parametrize("confirm", [True, False])
def test_row_11_a_peer_that_reconnected_may_still_answer(confirm: bool) -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(budget=10.0)
    if confirm:
        rig.confirmed(call)
    rig.core.peer_restarted("bob")
    rig.confirmed(call)
    rig.set_peer("bob", V2)
    rig.advance(9.0)
    rig.core.receive_response("bob", call.request_id, "late, but here")
    assert rig.outcome(call) == "late, but here"


def test_row_11_a_peer_that_reconnected_and_does_not_answer() -> None:
    rig = CallerRig(bob=V2, carol=JOINED)
    call, waiting = rig.start(budget=10.0), rig.start("carol", budget=10.0)
    rig.confirmed(call)
    rig.core.peer_restarted("bob")
    rig.core.peer_restarted("carol")
    rig.advance(10.0)
    assert rig.ended(call) == (10.0, Code.RESPONSE_TIMEOUT, because("peer_restarted"))
    assert waiting.restarted is False


def test_row_11_a_peer_that_reconnected_and_left() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start()
    rig.core.peer_restarted("bob")
    rig.leave("bob")
    assert rig.ended(call)[:2] == (0.0, Code.RECIPIENT_DISCONNECTED)


# Row 18: peers that are not ready


def test_row_18_a_joined_peer_is_waited_for() -> None:
    rig = CallerRig(bob=JOINED)
    call = rig.start()
    rig.advance(3.0)
    assert rig.sent == []
    rig.set_peer("bob", JOINED)
    assert rig.sent == []
    rig.set_peer("bob", V2)
    assert rig.sent == [call]


def test_row_18_the_request_goes_at_last_without_readiness() -> None:
    rig = CallerRig(bob=JOINED)
    call = rig.start()
    rig.advance(READY_WAIT)
    assert rig.sent == [call]
    assert call.timeout_ms == 11_500


def test_row_18_a_short_budget_ends_before_readiness() -> None:
    rig = CallerRig(bob=JOINED)
    call = rig.start(budget=1.0)
    rig.advance(2.0)
    assert rig.ended(call) == (1.0, Code.RESPONSE_TIMEOUT, because("recipient_not_ready"))


def test_row_18_wait_for_ready_waits_for_an_absent_peer() -> None:
    rig = CallerRig()
    call = rig.start(budget=20.0, wait_for_ready=True)
    rig.advance(10.0)
    rig.set_peer("bob", JOINED)
    rig.advance(9.0)
    assert rig.sent == []
    rig.leave("bob")
    assert rig.outcome(call) is None
    rig.set_peer("bob", V2)
    assert rig.sent == [call]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (None, (Code.RECIPIENT_NOT_FOUND, because("not_listed"))),
        (JOINED, (Code.RESPONSE_TIMEOUT, because("recipient_not_ready"))),
    ],
)
def test_row_18_wait_for_ready_in_vain(peer: Peer | None, expected: tuple[int, str]) -> None:
    rig = CallerRig()
    if peer is not None:
        rig.book.peers["bob"] = peer
    call = rig.start(budget=5.0, wait_for_ready=True)
    rig.advance(6.0)
    assert rig.ended(call) == (5.0, *expected)
    assert rig.sent == []


def test_row_18_wait_for_ready_gives_up_on_a_peer_that_left_once_the_request_was_sent() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(wait_for_ready=True)
    rig.leave("bob")
    assert rig.ended(call)[:2] == (0.0, Code.RECIPIENT_DISCONNECTED)
