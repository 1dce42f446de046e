"""Calls put together from packets."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.rpc import wire
from livekit.server.console.call_tracker import (
    ENCRYPTED_GAP,
    MAX_CALLS,
    MAX_TEXT,
    RESPONSE_GRACE,
    SERVER,
    CallState,
    CallTracker,
    TrackedCall,
)
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


def test_a_call_in_packets() -> None:
    ended: list[TrackedCall] = []
    watch = CallTracker(ended.append)
    feed(watch, ("alice", request(payload="ä", ms=3000)))
    call = only_call(watch)
    assert (call.state, call.ended) == (CallState.WAITING, None)
    feed(watch, ("bob", ack()), ("bob", response(payload="four")), start=1.0)
    assert (call.caller, call.callee, call.method, call.version, call.timeout) == ("alice", "bob", "add", 1, 3.0)
    assert (call.started, call.acked, call.ended) == (0.0, 1.0, 2.0)
    assert call.response is not None
    assert (call.state, call.request.size, call.response.size) == (CallState.ANSWERED, 2, 4)
    assert (call.request.text, call.response.text) == (None, None)
    assert ended == [call]
    assert (watch.started, watch.failed, watch.unmatched) == (1, 0, 0)


def test_a_call_that_fails() -> None:
    watch = CallTracker()
    feed(watch, ("alice", request()), ("bob", failure(code=2001, message="cold", data="20")))
    call = only_call(watch)
    assert (call.state, call.code, call.message, call.data) == (CallState.FAILED, 2001, "cold", None)
    assert watch.failed == 1


def test_a_call_in_streams_of_pieces() -> None:
    watch = CallTracker()
    watch.set_keep_payloads(True)
    feed(
        watch,
        ("alice", stream_request(ms=1500)),
        ("alice", chunk("bob", "in-1", b"ab")),
        ("alice", chunk("bob", "in-1", b"c")),
        ("alice", trailer("bob", "in-1")),
        ("bob", ack()),
        ("bob", stream_response()),
        ("bob", chunk("alice", "out-1", b"defg")),
    )
    call = only_call(watch)
    assert (call.state, call.version, call.timeout, call.acked) == (CallState.WAITING, 2, 1.5, 4.0)
    feed(watch, ("bob", trailer("alice", "out-1")), start=9.0)
    assert call.response is not None
    assert (call.state, call.ended) == (CallState.ANSWERED, 9.0)
    assert (call.request.size, call.request.text) == (3, "abc")
    assert (call.response.size, call.response.text) == (4, "defg")


def test_a_call_in_one_packet_each_deflated() -> None:
    watch = CallTracker()
    watch.set_keep_payloads(True)
    text = b"text " * 200
    answer = inline(stream_response(), text, deflated=True)
    feed(watch, ("alice", inline(stream_request(), text, deflated=True)), ("bob", answer))
    call = only_call(watch)
    assert call.response is not None
    assert call.state is CallState.ANSWERED
    assert call.request.text == call.response.text == text.decode()
    assert call.request.size == call.response.size == len(text)


def test_payloads_are_kept_only_while_wanted() -> None:
    watch = CallTracker()
    feed(watch, ("alice", request(payload="before")))
    watch.set_keep_payloads(True)
    feed(watch, ("alice", request(call="2", payload="kept")), ("bob", failure(call="2", data="why")))
    before, kept = all_calls(watch)
    assert (before.request.text, kept.request.text, kept.data) == (None, "kept", "why")
    seen = watch.revision
    watch.set_keep_payloads(False)
    assert (kept.request.text, kept.data, kept.request.size) == (None, None, 4)
    assert len(watch.changed_since(seen, 10)) == 2


def test_cancelled_in_either_form() -> None:
    watch = CallTracker()
    feed(
        watch,
        ("alice", request(call="1")),
        ("alice", stream_request(call="2")),
        ("alice", stream_request(call="3")),
        ("alice", wire.cancel_packet("bob", "1", "1")),
        ("alice", wire.cancel_packet("bob", "in-2", "2")),
        ("alice", trailer("bob", "in-3", reason="the program ended")),
    )
    assert [call.state for call in all_calls(watch)] == [CallState.CANCELLED] * 3
    feed(watch, ("bob", response(call="1")))
    assert watch.unmatched == 1


def test_only_the_callee_answers() -> None:
    watch = CallTracker()
    feed(watch, ("alice", request()), ("carol", response()), ("carol", ack()), ("bob", response(to="carol")))
    assert only_call(watch).state is CallState.WAITING
    assert watch.unmatched == 3


def test_rooms_and_callers_have_ids_of_their_own() -> None:
    watch = CallTracker()
    feed(watch, ("alice", request()), ("carol", request()))
    watch.packet("other", "alice", request(), 0.0)
    feed(watch, ("bob", response(to="carol")))
    assert [call.state for call in all_calls(watch)] == [CallState.WAITING, CallState.ANSWERED, CallState.WAITING]


def test_a_request_that_comes_again_counts_once() -> None:
    watch = CallTracker()
    feed(watch, ("alice", request()), ("alice", request(method="other")), ("alice", request(call="")))
    assert only_call(watch).method == "add"
    assert (watch.started, watch.unmatched) == (1, 2)


def test_without_an_answer() -> None:
    watch = CallTracker()
    feed(watch, ("alice", request(ms=5000)))
    watch.tick(5.0 + RESPONSE_GRACE - 0.1)
    assert only_call(watch).state is CallState.WAITING
    watch.tick(1000.0)
    assert (only_call(watch).state, only_call(watch).ended) == (CallState.TIMED_OUT, 5.0)


def test_somebody_leaves() -> None:
    watch = CallTracker()
    feed(watch, ("alice", request(call="1")), ("bob", request("alice", call="2")), ("carol", request("dave", call="3")))
    watch.left("other", "alice", 4.0)
    watch.left(ROOM, "alice", 5.0)
    assert [call.state.value for call in all_calls(watch)] == ["aborted", "aborted", "waiting"]


def test_calls_of_the_server_itself() -> None:
    watch = CallTracker()
    feed(watch, (SERVER, stream_request(call="7")), ("bob", ack("7", call="7")), ("bob", response("7", call="7")))
    call = only_call(watch)
    assert (call.caller, call.callee, call.state) == (SERVER, "bob", CallState.ANSWERED)
    feed(watch, (SERVER, request(call="8")), (SERVER, wire.cancel_packet("bob", "8", "8")))
    assert all_calls(watch)[1].state is CallState.CANCELLED


def test_what_the_console_asks_is_no_call() -> None:
    watch = CallTracker()
    question = request(call="7", method=wire.METHODS_METHOD)
    feed(watch, (SERVER, question), ("bob", ack("7", call="7")), ("bob", failure("7", call="7", code=1400)))
    assert (all_calls(watch), watch.started, watch.failed, watch.unmatched) == ([], 0, 0, 0)
    feed(watch, ("alice", question))
    assert only_call(watch).method == wire.METHODS_METHOD


def test_encrypted_packets_are_counted_together() -> None:
    watch = CallTracker()
    for now in (0.0, 1.0, 2.5):
        watch.packet(ROOM, "alice", encrypted_packet(size=100), now)
    watch.packet(ROOM, "bob", encrypted_packet("alice"), 2.5)
    watch.packet(ROOM, "alice", encrypted_packet(), 2.5 + ENCRYPTED_GAP + 0.1)
    entries = all_calls(watch)
    assert [(entry.caller, entry.packets) for entry in entries] == [("alice", 3), ("bob", 1), ("alice", 1)]
    assert (entries[0].state, entries[0].request.size) == (CallState.ENCRYPTED, 300)
    assert (watch.started, watch.failed) == (0, 0)


def test_other_streams_and_packets_are_none_of_its_business() -> None:
    watch = CallTracker()
    header = models.DataPacket(stream_header=models.DataStream.Header(stream_id="s", topic="chat"))
    user = models.DataPacket(user=models.UserPacket(payload=b"x"))
    feed(watch, ("alice", header), ("alice", chunk("bob", "s", b"x")), ("alice", trailer("bob", "s")), ("alice", user))
    assert (all_calls(watch), watch.unmatched) == ([], 0)


def test_the_oldest_make_room() -> None:
    watch = CallTracker()
    for number in range(MAX_CALLS + 5):
        watch.packet(ROOM, "alice", stream_request(call=str(number)), 0.0)
    assert len(all_calls(watch)) == MAX_CALLS
    assert (watch.started, watch.forgotten) == (MAX_CALLS + 5, 5)
    feed(watch, ("bob", response(call="0")), ("bob", response(call=str(MAX_CALLS))))
    assert watch.unmatched == 1


def test_changes_come_once_and_in_parts() -> None:
    watch = CallTracker()
    feed(watch, *(("alice", request(call=str(number))) for number in range(5)))
    first = watch.changed_since(0, 3)
    rest = watch.changed_since(first[-1].revision, 3)
    assert [call.request_id for call in (*first, *rest)] == ["0", "1", "2", "3", "4"]
    assert watch.changed_since(rest[-1].revision, 3) == []
    feed(watch, ("bob", ack(call="1")))
    assert [call.request_id for call in watch.changed_since(rest[-1].revision, 3)] == ["1"]


def test_long_texts_are_cut() -> None:
    watch = CallTracker()
    watch.set_keep_payloads(True)
    feed(
        watch,
        ("alice", request(method="m" * 5000, payload="ä" * 5000)),
        ("bob", failure(message="x", data="d" * 15000)),
    )
    call = only_call(watch)
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
def test_whatever_comes_leaves_nothing_behind(packets: list[tuple[str, models.DataPacket]]) -> None:
    watch = CallTracker()
    watch.set_keep_payloads(True)
    feed(watch, *packets)
    watch.tick(1e9)
    assert not watch._open
    assert not watch._streams
    assert all(call.state is not CallState.WAITING for call in all_calls(watch))
    assert watch.failed <= watch.started
