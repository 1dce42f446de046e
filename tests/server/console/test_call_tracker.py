"""Calls reassembled from packets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.rpc import wire
from livekit.server.console.call_tracker import ENCRYPTED_GAP, MAX_CALLS, MAX_TEXT, CallTracker
from livekit.server.console.tracked_call import ACK_TIMEOUT, RESPONSE_GRACE, SERVER, CallState, TrackedCall
from tests.server.console.packets import (
    ROOM,
    ack,
    all_calls,
    chunk,
    encrypted_packet,
    failure,
    feed,
    inline,
    only_call,
    request,
    response,
    stream_request,
    stream_response,
    trailer,
)

OURS = wire.new_request_id()


def test_call_in_packets() -> None:
    ended: list[TrackedCall] = []
    tracker = CallTracker(ended.append)
    feed(tracker, ("alice", request(payload="ä", ms=3000)))
    call = only_call(tracker)
    assert (call.state, call.ended) == (CallState.WAITING, None)
    feed(tracker, ("bob", ack()), ("bob", response(payload="four")), start=1.0)
    assert (call.caller, call.callee, call.method, call.version, call.timeout) == ("alice", "bob", "add", 1, 3.0)
    assert (call.started, call.acked, call.ended) == (0.0, 1.0, 2.0)
    assert call.response is not None
    assert (call.state, call.request.size, call.response.size) == (CallState.ANSWERED, 2, 4)
    assert (call.request.text, call.response.text) == (None, None)
    assert ended == [call]
    assert (tracker.started, tracker.failed, tracker.unmatched) == (1, 0, 0)


def test_failed_call() -> None:
    tracker = CallTracker()
    feed(tracker, ("alice", request()), ("bob", failure(code=2001, message="cold", data="20")))
    call = only_call(tracker)
    assert (call.state, call.code, call.message, call.data) == (CallState.FAILED, 2001, "cold", None)
    assert tracker.failed == 1


def test_call_in_chunked_streams() -> None:
    tracker = CallTracker()
    tracker.set_keep_payloads(True)
    feed(
        tracker,
        ("alice", stream_request(ms=1500)),
        ("alice", chunk("bob", "in-1", b"ab")),
        ("alice", chunk("bob", "in-1", b"c")),
        ("alice", trailer("bob", "in-1")),
        ("bob", ack()),
        ("bob", stream_response()),
        ("bob", chunk("alice", "out-1", b"defg")),
    )
    call = only_call(tracker)
    assert (call.state, call.version, call.timeout, call.acked) == (CallState.WAITING, 2, 1.5, 4.0)
    feed(tracker, ("bob", trailer("alice", "out-1")), start=9.0)
    assert call.response is not None
    assert (call.state, call.ended) == (CallState.ANSWERED, 9.0)
    assert (call.request.size, call.request.text) == (3, "abc")
    assert (call.response.size, call.response.text) == (4, "defg")


def test_call_in_inline_deflated_streams() -> None:
    tracker = CallTracker()
    tracker.set_keep_payloads(True)
    text = b"text " * 200
    answer = inline(stream_response(), text, deflated=True)
    feed(tracker, ("alice", inline(stream_request(), text, deflated=True)), ("bob", answer))
    call = only_call(tracker)
    assert call.response is not None
    assert call.state is CallState.ANSWERED
    assert call.request.text == call.response.text == text.decode()
    assert call.request.size == call.response.size == len(text)


def test_payloads_are_kept_only_while_enabled() -> None:
    tracker = CallTracker()
    feed(tracker, ("alice", request(payload="before")))
    tracker.set_keep_payloads(True)
    feed(tracker, ("alice", request(call="2", payload="kept")), ("bob", failure(call="2", data="why")))
    before, kept = all_calls(tracker)
    assert (before.request.text, kept.request.text, kept.data) == (None, "kept", "why")
    seen = tracker.revision
    tracker.set_keep_payloads(False)
    assert (kept.request.text, kept.data, kept.request.size) == (None, None, 4)
    assert len(tracker.changed_since(seen, 10)) == 2


def test_cancellation_in_both_versions() -> None:
    tracker = CallTracker()
    feed(
        tracker,
        ("alice", request(call="1")),
        ("alice", stream_request(call="2")),
        ("alice", stream_request(call="3")),
        ("alice", wire.cancel_packet("bob", "1", "1")),
        ("alice", wire.cancel_packet("bob", "in-2", "2")),
        ("alice", trailer("bob", "in-3", reason="the program ended")),
    )
    assert [call.state for call in all_calls(tracker)] == [CallState.CANCELLED] * 3
    feed(tracker, ("bob", response(call="1")))
    assert (tracker.unmatched, tracker.failed) == (0, 0)


def test_responses_of_others_are_ignored() -> None:
    tracker = CallTracker()
    feed(tracker, ("alice", request()), ("carol", response()), ("carol", ack()), ("bob", response(to="carol")))
    assert only_call(tracker).state is CallState.WAITING
    assert tracker.unmatched == 3


def test_request_ids_are_scoped_to_room_and_caller() -> None:
    tracker = CallTracker()
    feed(tracker, ("alice", request()), ("carol", request()))
    tracker.packet("other", "alice", request(), 0.0)
    feed(tracker, ("bob", response(to="carol")))
    assert [call.state for call in all_calls(tracker)] == [CallState.WAITING, CallState.ANSWERED, CallState.WAITING]


def test_duplicate_request_counts_once() -> None:
    tracker = CallTracker()
    feed(tracker, ("alice", request()), ("alice", request(method="other")), ("alice", request(call="")))
    assert only_call(tracker).method == "add"
    assert (tracker.started, tracker.unmatched) == (1, 2)


def test_unanswered_call_times_out_after_a_grace_period() -> None:
    tracker = CallTracker()
    feed(tracker, ("alice", request(ms=5000)))
    tracker.tick(5.0 + RESPONSE_GRACE - 0.1)
    assert only_call(tracker).state is CallState.WAITING
    tracker.tick(1000.0)
    assert (only_call(tracker).state, only_call(tracker).ended) == (CallState.TIMED_OUT, 5.0)


@pytest.mark.parametrize("present", [("alice", "bob"), None])
def test_cancellation_after_the_timeout_is_a_timeout(present: tuple[str, ...] | None) -> None:
    tracker = CallTracker()
    tracker.packet(ROOM, "alice", request(call=OURS, ms=5000), 0.0, present)
    tracker.packet(ROOM, "bob", ack(call=OURS), 0.1, present)
    tracker.packet(ROOM, "alice", wire.cancel_packet("bob", OURS, OURS), 5.0, present)
    call = only_call(tracker)
    assert (call.state, call.code, call.ended) == (CallState.TIMED_OUT, 1502, 5.0)
    assert tracker.failed == 1


def test_cancellation_of_a_call_to_an_absent_participant() -> None:
    tracker = CallTracker()
    tracker.packet(ROOM, "alice", request("nobody", call=OURS), 0.0, ("alice",))
    tracker.packet(ROOM, "alice", wire.cancel_packet("nobody", OURS, OURS), 0.25, ("alice",))
    call = only_call(tracker)
    assert (call.state, call.code, tracker.failed) == (CallState.NOT_FOUND, 1401, 1)


def test_absent_participant_that_joins_in_time() -> None:
    tracker = CallTracker()
    tracker.packet(ROOM, "alice", request(call=OURS), 0.0, ("alice",))
    tracker.packet(ROOM, "alice", request(call=OURS), 0.2, ("alice", "bob"))
    tracker.packet(ROOM, "bob", response(call=OURS), 0.3, ("alice", "bob"))
    assert (only_call(tracker).state, tracker.unmatched) == (CallState.ANSWERED, 0)


def test_absent_participant_called_by_a_client_that_does_not_cancel() -> None:
    tracker = CallTracker()
    tracker.packet(ROOM, "alice", request("nobody", ms=8000), 0.0, ("alice",))
    tracker.tick(ACK_TIMEOUT - 0.1)
    assert only_call(tracker).state is CallState.WAITING
    tracker.tick(ACK_TIMEOUT)
    call = only_call(tracker)
    assert (call.state, call.code, call.ended) == (CallState.NOT_FOUND, None, ACK_TIMEOUT)


@pytest.mark.parametrize(
    ("at", "state", "code"), [(1.0, CallState.CANCELLED, None), (7.0, CallState.UNACKNOWLEDGED, 1501)]
)
def test_cancellation_without_acknowledgement(at: float, state: CallState, code: int | None) -> None:
    tracker = CallTracker()
    tracker.packet(ROOM, "alice", request(call=OURS, ms=15_000), 0.0, ("alice", "bob"))
    tracker.packet(ROOM, "alice", wire.cancel_packet("bob", OURS, OURS), at, ("alice", "bob"))
    assert (only_call(tracker).state, only_call(tracker).code) == (state, code)
    assert tracker.failed == (code is not None)


def test_leaving_ends_calls() -> None:
    tracker = CallTracker()
    feed(
        tracker, ("alice", request(call="1")), ("bob", request("alice", call="2")), ("carol", request("dave", call="3"))
    )
    tracker.left("other", "alice", 4.0)
    tracker.left(ROOM, "alice", 5.0)
    assert [call.state.value for call in all_calls(tracker)] == ["caller left", "callee left", "waiting"]


def test_calls_of_the_server() -> None:
    tracker = CallTracker()
    feed(tracker, (SERVER, stream_request(call="7")), ("bob", ack("7", call="7")), ("bob", response("7", call="7")))
    call = only_call(tracker)
    assert (call.caller, call.callee, call.state) == (SERVER, "bob", CallState.ANSWERED)
    feed(tracker, (SERVER, request(call="8")), (SERVER, wire.cancel_packet("bob", "8", "8")))
    assert all_calls(tracker)[1].state is CallState.CANCELLED


def test_calls_of_the_console_are_not_shown() -> None:
    tracker = CallTracker()
    question = request(call="7", method=wire.METHODS_METHOD)
    feed(tracker, (SERVER, question), ("bob", ack("7", call="7")), ("bob", failure("7", call="7", code=1400)))
    assert (all_calls(tracker), tracker.started, tracker.failed, tracker.unmatched) == ([], 0, 0, 0)
    feed(tracker, ("alice", question))
    assert only_call(tracker).method == wire.METHODS_METHOD


def test_encrypted_packets_are_grouped() -> None:
    tracker = CallTracker()
    for now in (0.0, 1.0, 2.5):
        tracker.packet(ROOM, "alice", encrypted_packet(size=100), now)
    tracker.packet(ROOM, "bob", encrypted_packet("alice"), 2.5)
    tracker.packet(ROOM, "alice", encrypted_packet(), 2.5 + ENCRYPTED_GAP + 0.1)
    entries = all_calls(tracker)
    assert [(entry.caller, entry.packets) for entry in entries] == [("alice", 3), ("bob", 1), ("alice", 1)]
    assert (entries[0].state, entries[0].request.size) == (CallState.ENCRYPTED, 300)
    assert (tracker.started, tracker.failed) == (0, 0)


def test_other_streams_and_packets_are_ignored() -> None:
    tracker = CallTracker()
    header = models.DataPacket(stream_header=models.DataStream.Header(stream_id="s", topic="chat"))
    user = models.DataPacket(user=models.UserPacket(payload=b"x"))
    feed(
        tracker, ("alice", header), ("alice", chunk("bob", "s", b"x")), ("alice", trailer("bob", "s")), ("alice", user)
    )
    assert (all_calls(tracker), tracker.unmatched) == ([], 0)


def test_oldest_calls_are_dropped() -> None:
    tracker = CallTracker()
    for number in range(MAX_CALLS + 5):
        tracker.packet(ROOM, "alice", stream_request(call=str(number)), 0.0)
    assert len(all_calls(tracker)) == MAX_CALLS
    assert (tracker.started, tracker.forgotten) == (MAX_CALLS + 5, 5)
    feed(tracker, ("bob", response(call="0")), ("bob", response(call=str(MAX_CALLS))))
    assert tracker.unmatched == 1


def test_changes_are_reported_once_and_in_batches() -> None:
    tracker = CallTracker()
    feed(tracker, *(("alice", request(call=str(number))) for number in range(5)))
    first = tracker.changed_since(0, 3)
    rest = tracker.changed_since(first[-1].revision, 3)
    assert [call.request_id for call in (*first, *rest)] == ["0", "1", "2", "3", "4"]
    assert tracker.changed_since(rest[-1].revision, 3) == []
    feed(tracker, ("bob", ack(call="1")))
    assert [call.request_id for call in tracker.changed_since(rest[-1].revision, 3)] == ["1"]


def test_long_texts_are_truncated() -> None:
    tracker = CallTracker()
    tracker.set_keep_payloads(True)
    feed(
        tracker,
        ("alice", request(method="m" * 5000, payload="ä" * 5000)),
        ("bob", failure(message="x", data="d" * 15000)),
    )
    call = only_call(tracker)
    assert len(call.method) == MAX_TEXT
    assert call.request.cut
    assert (call.request.size, len(call.request.text or "")) == (10_000, 2048)
    assert len(call.data or "") == 4096


_people = st.sampled_from(["alice", "bob", "", "1"])
_ids = st.sampled_from(["", "1", "2", "3"])
_streams = st.sampled_from(["in-1", "out-1", "in-2", "out-2"])
_packets = st.one_of(
    st.builds(request, _people, call=_ids),
    st.builds(ack, _people, call=_ids),
    st.builds(response, _people, call=_ids, payload=st.just("x")),
    st.builds(failure, _people, call=_ids),
    st.builds(stream_request, _people, call=_ids),
    st.builds(stream_response, _people, call=_ids),
    st.builds(inline, st.builds(stream_response, _people, call=_ids), st.binary(max_size=3)),
    st.builds(chunk, _people, _streams, st.binary(max_size=20)),
    st.builds(trailer, _people, _streams, st.sampled_from(["", "ended"])),
    st.builds(wire.cancel_packet, _people, _ids, _ids),
    st.builds(encrypted_packet, _people),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_people, _packets), max_size=25))
def test_any_packets_leave_no_state_behind(packets: list[tuple[str, models.DataPacket]]) -> None:
    tracker = CallTracker()
    tracker.set_keep_payloads(True)
    feed(tracker, *packets)
    tracker.tick(1e9)
    assert not tracker._open
    assert not tracker._streams
    assert all(call.state is not CallState.WAITING for call in all_calls(tracker))
    assert tracker.failed <= tracker.started
