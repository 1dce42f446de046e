"""The rules of a call: its budget, what the callee is told, what cannot be sent, and who may answer."""

from __future__ import annotations

import pytest

from livekit.rpc.caller import MAX_ROUND_TRIPS, READY_WAIT, CallerLimits, CallState, OutgoingCall
from livekit.rpc.errors import RpcError
from livekit.rpc.peer_info import Peer
from livekit.rpc.wire import MAX_TIMEOUT_MS, MAX_V1_PAYLOAD_BYTES
from tests.rpc.core_fixtures import HEARD, JOINED, V0, V1, V2, CallerRig, Code, because, why

LARGE = "x" * (MAX_V1_PAYLOAD_BYTES + 1)


def test_a_call_goes_from_sent_to_its_answer() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start()
    assert rig.sent == [call]
    states = [call.state]
    rig.confirmed(call)
    states.append(call.state)
    rig.acked(call)
    states.append(call.state)
    assert states == [CallState.SENT, CallState.CONFIRMED, CallState.ACKED]
    rig.core.receive_response("bob", call.request_id, "answer")
    assert rig.outcome(call) == "answer"
    assert len(rig.core) == 0
    assert rig.core.next_timer() is None
    assert rig.cancelled == []


@pytest.mark.parametrize(("peer", "version"), [(V0, 1), (V1, 2), (V2, 2)])
def test_the_version_is_the_callees(peer: Peer, version: int) -> None:
    assert CallerRig(bob=peer).start().version == version


def test_a_call_that_ends_while_it_is_ended_has_one_outcome() -> None:
    class Reentrant(CallerRig):
        def send_cancel(self, call: OutgoingCall) -> None:
            self.core.peer_left(call.destination)

    rig = Reentrant(bob=V2)
    call = rig.start(budget=1.0)
    rig.advance(2.0)
    assert rig.ended(call)[:2] == (1.0, Code.RECIPIENT_DISCONNECTED)


def test_an_error_is_an_answer() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start()
    error = RpcError(4711, "no", "data")
    rig.core.receive_error("bob", call.request_id, error)
    assert rig.outcome(call) is error


# Row 3: one budget


def test_row_03_without_confirmation_only_the_budget_counts() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(budget=60.0)
    rig.advance(59.9)
    assert rig.outcome(call) is None
    rig.advance(0.1)
    assert rig.ended(call) == (60.0, Code.RESPONSE_TIMEOUT, because("request_not_delivered"))
    assert rig.cancelled == [call]


def test_row_03_no_ack_within_the_latency_after_the_confirmation() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(budget=60.0)
    rig.advance(20.0)
    rig.confirmed(call)
    rig.advance(40.0)
    assert rig.ended(call) == (27.0, Code.CONNECTION_TIMEOUT, because("not_acknowledged"))
    assert rig.cancelled == [call]


def test_row_03_the_budget_ends_a_call_that_waits_for_its_ack() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(budget=5.0)
    rig.advance(1.0)
    rig.confirmed(call)
    rig.advance(10.0)
    assert rig.ended(call) == (5.0, Code.RESPONSE_TIMEOUT, because("not_acknowledged"))


def test_row_03_no_answer_within_the_budget() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(budget=15.0)
    rig.confirmed(call)
    rig.advance(1.0)
    rig.acked(call)
    rig.advance(20.0)
    assert rig.ended(call) == (15.0, Code.RESPONSE_TIMEOUT, because("no_response"))
    assert rig.cancelled == [call]


def test_row_03_the_latency_is_a_parameter() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(ack_latency=0.5)
    rig.confirmed(call)
    rig.advance(1.0)
    assert rig.ended(call)[:2] == (0.5, Code.CONNECTION_TIMEOUT)


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
    peer: Peer | None,
    wait_for_ready: bool,
    size: int,
) -> None:
    rig = CallerRig()
    if peer is not None:
        rig.book.peers["bob"] = peer
    rig.core.set_online(online, rig.now)
    try:
        call = rig.start(payload="x" * size, budget=2.0, wait_for_ready=wait_for_ready)
    except RpcError:
        assert size > 0, "only a large payload is refused"
        return
    for step in (0.0, 1.0, 0.5):
        rig.advance(step)
        at = rig.now - 100.0
        if at == confirm_at:
            rig.confirmed(call)
        if at == ack_at:
            rig.acked(call)
    rig.advance(0.5)
    assert rig.outcome(call) is not None
    assert rig.ended(call)[0] <= 2.0
    assert len(rig.core) == 0


# Row 4: what the callee is told


def test_row_04_told_is_what_is_left_less_half_the_round_trip() -> None:
    rig = CallerRig(bob=V2)
    rig.core.link_round_trip = 0.2
    assert rig.start(budget=5.0).timeout_ms == 4900


def test_row_04_told_uses_the_measured_round_trip_and_follows_it_slowly() -> None:
    rig = CallerRig(bob=V2)
    first = rig.start()
    rig.confirmed(first)
    rig.advance(1.0)
    rig.acked(first)
    assert rig.start(budget=5.0).timeout_ms == 4500
    second = rig.start()
    rig.confirmed(second)
    rig.advance(0.2)
    rig.acked(second)
    assert rig.start(budget=5.0).timeout_ms == 4550


def test_row_04_told_counts_from_when_the_request_is_sent() -> None:
    rig = CallerRig(bob=JOINED)
    call = rig.start(budget=5.0)
    rig.advance(2.0)
    rig.set_peer("bob", V2)
    assert rig.sent == [call]
    assert call.timeout_ms == 3000


def test_row_04_told_is_at_least_a_millisecond() -> None:
    rig = CallerRig(bob=V2)
    rig.core.link_round_trip = 1.0
    assert rig.start(budget=0.1).timeout_ms == 1


@pytest.mark.parametrize("budget", [1e7, 1e300])
def test_row_04_told_is_at_most_what_the_packet_holds(budget: float) -> None:
    assert CallerRig(bob=V2).start(budget=budget).timeout_ms == MAX_TIMEOUT_MS


def test_an_ack_without_confirmation_measures_nothing() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start()
    rig.advance(1.0)
    rig.acked(call)
    rig.confirmed(call)
    assert call.state is CallState.ACKED
    assert rig.start(budget=5.0).timeout_ms == 5000


def test_a_second_ack_changes_nothing() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start()
    rig.acked(call)
    rig.advance(1.0)
    rig.acked(call)
    assert call.state is CallState.ACKED
    assert rig.start(budget=5.0).timeout_ms == 5000


def test_round_trips_are_kept_for_so_many_peers_only() -> None:
    rig = CallerRig()
    for number in range(MAX_ROUND_TRIPS + 1):
        call = rig.start(f"peer {number}")
        rig.confirmed(call)
        rig.advance(0.1)
        rig.acked(call)
        rig.core.receive_response(call.destination, call.request_id, "")
    assert rig.start("peer 0", budget=5.0).timeout_ms == 5000
    assert rig.start("peer 1", budget=5.0).timeout_ms == 4950


# Rows 6 and 14: what cannot be sent


@pytest.mark.parametrize("where", ["destination", "method", "payload"])
def test_row_06_lone_surrogates_are_refused(where: str) -> None:
    rig = CallerRig(bob=V2)
    words = {"destination": "bob", "method": "m", "payload": "p", where: "\ud800"}
    with pytest.raises(ValueError, match="surrogates"):
        rig.core.start(*words.values(), budget=1.0, ack_latency=1.0, now=rig.now)
    assert len(rig.core) == 0


@pytest.mark.parametrize("character", ["x", "ä", "€", "😀"])
def test_row_14_limits_are_utf8_bytes(character: str) -> None:
    width = len(character.encode())
    rig = CallerRig(CallerLimits(max_payload_size=12 * width), bob=V2)
    call = rig.start(payload=character * 12)
    rig.core.receive_response("bob", call.request_id, character * 12)
    assert rig.outcome(call) == character * 12
    with pytest.raises(RpcError) as caught:
        rig.start(payload=character * 12 + "x")
    assert caught.value.code == Code.REQUEST_PAYLOAD_TOO_LARGE
    call = rig.start()
    rig.core.receive_response("bob", call.request_id, character * 12 + "x")
    assert rig.ended(call)[1] == Code.RESPONSE_PAYLOAD_TOO_LARGE


def test_row_14_the_limit_is_262144_bytes_unless_set() -> None:
    rig = CallerRig(bob=V2)
    rig.start(payload="x" * 262_144)
    with pytest.raises(RpcError) as caught:
        rig.start(payload="x" * 262_145)
    assert why(caught.value) == (Code.REQUEST_PAYLOAD_TOO_LARGE, because("over 262144 bytes"))


def test_row_14_no_limit() -> None:
    rig = CallerRig(CallerLimits(max_payload_size=None), bob=V2)
    call = rig.start(payload="x" * 1_000_000)
    rig.core.receive_response("bob", call.request_id, "y" * 1_000_000)
    assert rig.outcome(call) == "y" * 1_000_000


def test_row_14_peers_of_version_1_take_15360_bytes() -> None:
    rig = CallerRig(bob=V0)
    rig.start(payload="ä" * 7_680)
    with pytest.raises(RpcError) as caught:
        rig.start(payload=LARGE)
    assert why(caught.value) == (Code.REQUEST_PAYLOAD_TOO_LARGE, because("recipient_takes_15360_bytes"))


def test_a_request_that_the_transport_refuses_is_not_pending() -> None:
    rig = CallerRig(bob=V2)
    rig.refuse = RpcError._built_in(Code.SEND_FAILED)
    with pytest.raises(RpcError) as caught:
        rig.start()
    assert caught.value is rig.refuse
    assert len(rig.core) == 0
    assert rig.core.next_timer() is None


def test_a_waiting_request_that_the_transport_refuses_is_settled() -> None:
    rig = CallerRig(bob=JOINED)
    ready, patient = rig.start(), rig.start("carol")
    rig.refuse = RpcError._built_in(Code.SEND_FAILED)
    rig.set_peer("bob", V2)
    assert rig.outcome(ready) is rig.refuse
    assert rig.sent == [patient]
    late = CallerRig(bob=JOINED)
    call = late.start()
    late.refuse = rig.refuse
    late.advance(READY_WAIT)
    assert late.outcome(call) is rig.refuse


# Row 10: permissions


@pytest.mark.parametrize("obstacle", ["cannot_publish_data", "hidden_caller"])
def test_row_10_own_permission(obstacle: str) -> None:
    rig = CallerRig(bob=V2)
    rig.book.problem = obstacle
    with pytest.raises(RpcError) as caught:
        rig.start()
    assert why(caught.value) == (Code.SEND_FAILED, because(obstacle))


def test_row_10_their_permission() -> None:
    rig = CallerRig(bob=Peer(listed=True, ready=True, client_protocol=2, can_publish_data=False))
    with pytest.raises(RpcError) as caught:
        rig.start()
    assert why(caught.value) == (Code.SEND_FAILED, because("recipient_cannot_publish_data"))
    assert rig.sent == []


# Row 13: cancelling


def test_row_13_a_cancelled_call_tells_the_callee_and_settles_nothing() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start()
    rig.core.cancel(call)
    rig.core.cancel(call)
    assert rig.cancelled == [call]
    rig.acked(call)
    rig.confirmed(call)
    rig.core.receive_response("bob", call.request_id, "late")
    rig.core.receive_error("bob", call.request_id, RpcError(1, "late"))
    rig.advance(100.0)
    assert rig.outcome(call) is None
    assert len(rig.core) == 0


def test_row_13_a_call_that_was_not_sent_tells_nobody() -> None:
    rig = CallerRig(bob=JOINED)
    rig.core.cancel(rig.start())
    assert rig.cancelled == []
    assert len(rig.core) == 0


# Row 27: answers from anybody else


@pytest.mark.parametrize("peer", [V0, V2, HEARD])
@pytest.mark.parametrize("sender", ["mallory", "", "Bob", "bob "])
def test_row_27_only_the_callee_answers(peer: Peer, sender: str) -> None:
    rig = CallerRig(bob=peer)
    call = rig.start()
    assert rig.core.expects("bob", call.request_id)
    assert not rig.core.expects(sender, call.request_id)
    rig.acked(call, sender)
    rig.core.receive_response(sender, call.request_id, "lie")
    rig.core.receive_error(sender, call.request_id, RpcError(1, "lie"))
    assert call.state is CallState.SENT
    assert rig.outcome(call) is None


def test_row_27_a_callee_that_was_not_listed_may_be_hidden() -> None:
    rig = CallerRig()
    call = rig.start()
    rig.core.receive_response("mallory", call.request_id, "lie")
    rig.acked(call, "")
    rig.set_peer("bob", V2)
    rig.core.receive_response("", call.request_id, "hidden")
    assert rig.outcome(call) == "hidden"


def test_row_27_nobody_answers_what_was_not_sent() -> None:
    rig = CallerRig(bob=JOINED)
    call = rig.start()
    rig.acked(call)
    rig.core.receive_response("bob", call.request_id, "a guess")
    rig.core.receive_response("bob", "no such call", "a guess")
    assert rig.outcome(call) is None
    assert call.state is CallState.WAITING


# Row 28: the room disconnects


def test_row_28_everything_pending_ends_with_an_error_of_its_own() -> None:
    rig = CallerRig(bob=V2, carol=JOINED)
    calls = [rig.start(), rig.start("carol"), rig.start("carol", wait_for_ready=True)]
    rig.core.close()
    for call in calls:
        assert rig.ended(call) == (0.0, Code.RECIPIENT_DISCONNECTED, because("room_disconnected"))
    assert len({id(rig.outcome(call)) for call in calls}) == len(calls)
    assert len(rig.core) == 0


# Row 29: cost


def test_row_29_a_call_costs_one_heap_entry_however_many_are_in_flight() -> None:
    rig = CallerRig(bob=V2)
    in_flight: list[OutgoingCall] = []
    for _ in range(1000):
        in_flight.append(rig.start())
        rig.confirmed(in_flight[-1])
        rig.acked(in_flight[-1])
    assert len(rig.core._timers) == 1000
    for number in range(10_000):
        old = in_flight[number % 1000]
        rig.core.receive_response("bob", old.request_id, "")
        in_flight[number % 1000] = call = rig.start()
        rig.confirmed(call)
        rig.acked(call)
        assert len(rig.core) == 1000
    assert len(rig.core._timers) <= 3_100


def test_row_29_a_settled_call_is_not_kept_until_its_deadline() -> None:
    rig = CallerRig(bob=V2)
    call = rig.start(payload="x" * 100_000)
    rig.core.receive_response("bob", call.request_id, "")
    assert len(rig.core._timers) == 1
    assert rig.core._timers._items == {}
