"""`Caller`: budgets, timeouts in requests, limits, permissions and accepted answers."""

from __future__ import annotations

import pytest

from livekit.rpc.caller import CallerLimits
from livekit.rpc.errors import RpcError
from livekit.rpc.outgoing_call import OutgoingCall, OutgoingCallState
from livekit.rpc.peer_info import PeerInfo
from livekit.rpc.peer_timing import MAX_PEER_RTTS, READY_WAIT
from livekit.rpc.wire import MAX_TIMEOUT_MS, MAX_V1_PAYLOAD_BYTES
from tests.rpc.core_fixtures import HEARD, JOINED, V0, V1, V2, CallerHarness, Code, code_and_data, reason_data

LARGE = "x" * (MAX_V1_PAYLOAD_BYTES + 1)


def test_states_from_sent_to_completed() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    assert harness.sent == [call]
    states = [call.state]
    harness.request_delivered(call)
    states.append(call.state)
    harness.acked(call)
    states.append(call.state)
    assert states == [OutgoingCallState.SENT, OutgoingCallState.DELIVERED, OutgoingCallState.ACKED]
    harness.core.receive_response("bob", call.request_id, "answer")
    assert harness.outcome(call) == "answer"
    assert len(harness.core) == 0
    assert harness.core.next_timer() is None
    assert harness.cancelled == []


@pytest.mark.parametrize(("peer", "version"), [(V0, 1), (V1, 2), (V2, 2)])
def test_the_request_has_the_callees_version(peer: PeerInfo, version: int) -> None:
    assert CallerHarness(bob=peer).start().version == version


def test_a_call_that_ends_reentrantly_has_one_outcome() -> None:
    class Reentrant(CallerHarness):
        def send_cancel(self, call: OutgoingCall) -> None:
            self.core.peer_left(call.destination)

    harness = Reentrant(bob=V2)
    call = harness.start(budget=1.0)
    harness.advance(2.0)
    assert harness.ended(call)[:2] == (1.0, Code.RECIPIENT_DISCONNECTED)


def test_an_error_completes_the_call() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    error = RpcError(4711, "no", "data")
    harness.core.receive_error("bob", call.request_id, error)
    assert harness.outcome(call) is error


# Row 3: one budget


def test_row_03_before_delivery_only_the_budget_applies() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(budget=60.0)
    harness.advance(59.9)
    assert harness.outcome(call) is None
    harness.advance(0.1)
    assert harness.ended(call) == (60.0, Code.RESPONSE_TIMEOUT, reason_data("request_not_delivered"))
    assert harness.cancelled == [call]


def test_row_03_no_ack_within_the_latency_after_delivery() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(budget=60.0)
    harness.advance(20.0)
    harness.request_delivered(call)
    harness.advance(40.0)
    assert harness.ended(call) == (27.0, Code.CONNECTION_TIMEOUT, reason_data("not_acknowledged"))
    assert harness.cancelled == [call]


def test_row_03_the_budget_ends_an_unacknowledged_call() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(budget=5.0)
    harness.advance(1.0)
    harness.request_delivered(call)
    harness.advance(10.0)
    assert harness.ended(call) == (5.0, Code.RESPONSE_TIMEOUT, reason_data("not_acknowledged"))


def test_row_03_no_answer_within_the_budget() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(budget=15.0)
    harness.request_delivered(call)
    harness.advance(1.0)
    harness.acked(call)
    harness.advance(20.0)
    assert harness.ended(call) == (15.0, Code.RESPONSE_TIMEOUT, reason_data("no_response"))
    assert harness.cancelled == [call]


def test_row_03_the_latency_is_a_parameter() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(ack_timeout=0.5)
    harness.request_delivered(call)
    harness.advance(1.0)
    assert harness.ended(call)[:2] == (0.5, Code.CONNECTION_TIMEOUT)


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("confirm_at", [None, 0.0, 1.0])
@pytest.mark.parametrize("ack_at", [None, 0.0, 1.5])
@pytest.mark.parametrize("peer", [V0, V2, JOINED, HEARD, None])
@pytest.mark.parametrize("wait_for_ready", [True, False])
@pytest.mark.parametrize("size", [0, len(LARGE)])
def test_row_03_every_call_ends_within_its_budget(
    online: bool,
    confirm_at: float | None,
    ack_at: float | None,
    peer: PeerInfo | None,
    wait_for_ready: bool,
    size: int,
) -> None:
    harness = CallerHarness()
    if peer is not None:
        harness.peers.peers["bob"] = peer
    harness.core.set_online(online, harness.now)
    try:
        call = harness.start(payload="x" * size, budget=2.0, wait_for_ready=wait_for_ready)
    except RpcError:
        assert size > 0, "only a large payload is refused"
        return
    for step in (0.0, 1.0, 0.5):
        harness.advance(step)
        at = harness.now - 100.0
        if at == confirm_at:
            harness.request_delivered(call)
        if at == ack_at:
            harness.acked(call)
    harness.advance(0.5)
    assert harness.outcome(call) is not None
    assert harness.ended(call)[0] <= 2.0
    assert len(harness.core) == 0


# Row 4: the timeout in the request


def test_row_04_the_sent_timeout_is_the_remaining_budget_less_half_the_rtt() -> None:
    harness = CallerHarness(bob=V2)
    harness.core.timing.server_rtt = 0.2
    assert harness.start(budget=5.0).timeout_ms == 4900


def test_row_04_the_sent_timeout_uses_the_smoothed_rtt() -> None:
    harness = CallerHarness(bob=V2)
    first = harness.start()
    harness.request_delivered(first)
    harness.advance(1.0)
    harness.acked(first)
    assert harness.start(budget=5.0).timeout_ms == 4500
    second = harness.start()
    harness.request_delivered(second)
    harness.advance(0.2)
    harness.acked(second)
    assert harness.start(budget=5.0).timeout_ms == 4550


def test_row_04_the_sent_timeout_is_computed_on_sending() -> None:
    harness = CallerHarness(bob=JOINED)
    call = harness.start(budget=5.0)
    harness.advance(2.0)
    harness.set_peer("bob", V2)
    assert harness.sent == [call]
    assert call.timeout_ms == 3000


def test_row_04_the_sent_timeout_is_at_least_a_millisecond() -> None:
    harness = CallerHarness(bob=V2)
    harness.core.timing.server_rtt = 1.0
    assert harness.start(budget=0.1).timeout_ms == 1


@pytest.mark.parametrize("budget", [1e7, 1e300])
def test_row_04_the_sent_timeout_fits_into_the_packet(budget: float) -> None:
    assert CallerHarness(bob=V2).start(budget=budget).timeout_ms == MAX_TIMEOUT_MS


def test_an_ack_before_delivery_is_not_an_rtt_sample() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    harness.advance(1.0)
    harness.acked(call)
    harness.request_delivered(call)
    assert call.state is OutgoingCallState.ACKED
    assert harness.start(budget=5.0).timeout_ms == 5000


def test_a_duplicate_ack_is_ignored() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    harness.acked(call)
    harness.advance(1.0)
    harness.acked(call)
    assert call.state is OutgoingCallState.ACKED
    assert harness.start(budget=5.0).timeout_ms == 5000


def test_the_number_of_tracked_rtts_is_bounded() -> None:
    harness = CallerHarness()
    for number in range(MAX_PEER_RTTS + 1):
        call = harness.start(f"peer {number}")
        harness.request_delivered(call)
        harness.advance(0.1)
        harness.acked(call)
        harness.core.receive_response(call.destination, call.request_id, "")
    assert harness.start("peer 0", budget=5.0).timeout_ms == 5000
    assert harness.start("peer 1", budget=5.0).timeout_ms == 4950


# Rows 6 and 14: what cannot be sent


@pytest.mark.parametrize("where", ["destination", "method", "payload"])
def test_row_06_lone_surrogates_are_refused(where: str) -> None:
    harness = CallerHarness(bob=V2)
    words = {"destination": "bob", "method": "m", "payload": "p", where: "\ud800"}
    with pytest.raises(ValueError, match="surrogates"):
        harness.core.start(*words.values(), budget=1.0, ack_timeout=1.0, now=harness.now)
    assert len(harness.core) == 0


@pytest.mark.parametrize("character", ["x", "ä", "€", "😀"])
def test_row_14_limits_are_utf8_bytes(character: str) -> None:
    width = len(character.encode())
    harness = CallerHarness(CallerLimits(max_payload_size=12 * width), bob=V2)
    call = harness.start(payload=character * 12)
    harness.core.receive_response("bob", call.request_id, character * 12)
    assert harness.outcome(call) == character * 12
    with pytest.raises(RpcError) as caught:
        harness.start(payload=character * 12 + "x")
    assert caught.value.code == Code.REQUEST_PAYLOAD_TOO_LARGE
    call = harness.start()
    harness.core.receive_response("bob", call.request_id, character * 12 + "x")
    assert harness.ended(call)[1] == Code.RESPONSE_PAYLOAD_TOO_LARGE


def test_row_14_the_limit_is_262144_bytes_unless_set() -> None:
    harness = CallerHarness(bob=V2)
    harness.start(payload="x" * 262_144)
    with pytest.raises(RpcError) as caught:
        harness.start(payload="x" * 262_145)
    assert code_and_data(caught.value) == (Code.REQUEST_PAYLOAD_TOO_LARGE, reason_data("over 262144 bytes"))


def test_row_14_no_limit() -> None:
    harness = CallerHarness(CallerLimits(max_payload_size=None), bob=V2)
    call = harness.start(payload="x" * 1_000_000)
    harness.core.receive_response("bob", call.request_id, "y" * 1_000_000)
    assert harness.outcome(call) == "y" * 1_000_000


def test_row_14_peers_of_version_1_take_15360_bytes() -> None:
    harness = CallerHarness(bob=V0)
    harness.start(payload="ä" * 7_680)
    with pytest.raises(RpcError) as caught:
        harness.start(payload=LARGE)
    assert code_and_data(caught.value) == (Code.REQUEST_PAYLOAD_TOO_LARGE, reason_data("recipient_takes_15360_bytes"))


def test_a_request_rejected_by_the_transport_is_not_pending() -> None:
    harness = CallerHarness(bob=V2)
    harness.refuse = RpcError._built_in(Code.SEND_FAILED)
    with pytest.raises(RpcError) as caught:
        harness.start()
    assert caught.value is harness.refuse
    assert len(harness.core) == 0
    assert harness.core.next_timer() is None


def test_a_waiting_request_rejected_by_the_transport_completes() -> None:
    harness = CallerHarness(bob=JOINED)
    ready, patient = harness.start(), harness.start("carol")
    harness.refuse = RpcError._built_in(Code.SEND_FAILED)
    harness.set_peer("bob", V2)
    assert harness.outcome(ready) is harness.refuse
    assert harness.sent == [patient]
    late = CallerHarness(bob=JOINED)
    call = late.start()
    late.refuse = harness.refuse
    late.advance(READY_WAIT)
    assert late.outcome(call) is harness.refuse


# Row 10: permissions


@pytest.mark.parametrize("obstacle", ["cannot_publish_data", "hidden_caller"])
def test_row_10_own_permission(obstacle: str) -> None:
    harness = CallerHarness(bob=V2)
    harness.peers.blocked = obstacle
    with pytest.raises(RpcError) as caught:
        harness.start()
    assert code_and_data(caught.value) == (Code.SEND_FAILED, reason_data(obstacle))


def test_row_10_their_permission() -> None:
    harness = CallerHarness(bob=PeerInfo(listed=True, ready=True, client_protocol=2, can_publish_data=False))
    with pytest.raises(RpcError) as caught:
        harness.start()
    assert code_and_data(caught.value) == (Code.SEND_FAILED, reason_data("recipient_cannot_publish_data"))
    assert harness.sent == []


# Row 13: cancelling


def test_row_13_a_cancelled_call_sends_a_cancel_and_reports_no_outcome() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start()
    harness.core.cancel(call)
    harness.core.cancel(call)
    assert harness.cancelled == [call]
    harness.acked(call)
    harness.request_delivered(call)
    harness.core.receive_response("bob", call.request_id, "late")
    harness.core.receive_error("bob", call.request_id, RpcError(1, "late"))
    harness.advance(100.0)
    assert harness.outcome(call) is None
    assert len(harness.core) == 0


def test_row_13_an_unsent_call_sends_no_cancel() -> None:
    harness = CallerHarness(bob=JOINED)
    harness.core.cancel(harness.start())
    assert harness.cancelled == []
    assert len(harness.core) == 0


# Row 27: answers of other senders


@pytest.mark.parametrize("peer", [V0, V2, HEARD])
@pytest.mark.parametrize("sender", ["mallory", "", "Bob", "bob "])
def test_row_27_only_the_callee_answers(peer: PeerInfo, sender: str) -> None:
    harness = CallerHarness(bob=peer)
    call = harness.start()
    assert harness.core.awaits_answer("bob", call.request_id)
    assert not harness.core.awaits_answer(sender, call.request_id)
    harness.acked(call, sender)
    harness.core.receive_response(sender, call.request_id, "lie")
    harness.core.receive_error(sender, call.request_id, RpcError(1, "lie"))
    assert call.state is OutgoingCallState.SENT
    assert harness.outcome(call) is None


def test_row_27_a_callee_that_was_not_listed_may_be_hidden() -> None:
    harness = CallerHarness()
    call = harness.start()
    harness.core.receive_response("mallory", call.request_id, "lie")
    harness.acked(call, "")
    harness.set_peer("bob", V2)
    harness.core.receive_response("", call.request_id, "hidden")
    assert harness.outcome(call) == "hidden"


def test_row_27_answers_to_unsent_requests_are_ignored() -> None:
    harness = CallerHarness(bob=JOINED)
    call = harness.start()
    harness.acked(call)
    harness.core.receive_response("bob", call.request_id, "a guess")
    harness.core.receive_response("bob", "no such call", "a guess")
    assert harness.outcome(call) is None
    assert call.state is OutgoingCallState.WAITING


# Row 28: the room disconnects


def test_row_28_each_pending_call_ends_with_its_own_error() -> None:
    harness = CallerHarness(bob=V2, carol=JOINED)
    calls = [harness.start(), harness.start("carol"), harness.start("carol", wait_for_ready=True)]
    harness.core.close()
    for call in calls:
        assert harness.ended(call) == (0.0, Code.RECIPIENT_DISCONNECTED, reason_data("room_disconnected"))
    assert len({id(harness.outcome(call)) for call in calls}) == len(calls)
    assert len(harness.core) == 0


# Row 29: cost


def test_row_29_a_call_costs_one_heap_entry_at_any_load() -> None:
    harness = CallerHarness(bob=V2)
    in_flight: list[OutgoingCall] = []
    for _ in range(1000):
        in_flight.append(harness.start())
        harness.request_delivered(in_flight[-1])
        harness.acked(in_flight[-1])
    assert len(harness.core._deadlines) == 1000
    for number in range(10_000):
        old = in_flight[number % 1000]
        harness.core.receive_response("bob", old.request_id, "")
        in_flight[number % 1000] = call = harness.start()
        harness.request_delivered(call)
        harness.acked(call)
        assert len(harness.core) == 1000
    assert len(harness.core._deadlines) <= 3_100


def test_row_29_a_completed_call_is_not_kept_until_its_deadline() -> None:
    harness = CallerHarness(bob=V2)
    call = harness.start(payload="x" * 100_000)
    harness.core.receive_response("bob", call.request_id, "")
    assert len(harness.core._deadlines) == 1
    assert harness.core._deadlines._items == {}
