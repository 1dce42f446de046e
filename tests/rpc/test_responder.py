from __future__ import annotations

import pytest

from livekit.rpc import responder
from livekit.rpc.errors import OVERLOADED_DATA, RpcError, RpcOverloadedError
from livekit.rpc.responder import RUST_CALLER_ALLOWANCE, IncomingCall, IncomingCallState, Responder, ResponderLimits
from livekit.rpc.wire import (
    MAX_REQUEST_ID_LENGTH,
    MAX_TIMEOUT_MS,
    MAX_V1_PAYLOAD_BYTES,
    VERSION_2,
    new_request_id,
)
from tests.rpc.core_fixtures import Code, ResponderHarness, code_and_data, reason_data

OFFICIAL_ID = "00112233-4455-4677-8899-aabbccddeeff"


def kinds(harness: ResponderHarness) -> list[str]:
    return [kind for kind, _ in harness.log]


def test_a_call_is_acknowledged_run_and_answered() -> None:
    harness = ResponderHarness()
    call = harness.begin("alice", "id", timeout_ms=2500, method="greet")
    assert call is not None
    states = [call.state]
    harness.core.payload_received(call, "hello")
    states.append(call.state)
    assert kinds(harness) == ["ack", "run"]
    assert states == [IncomingCallState.RECEIVING, IncomingCallState.RUNNING]
    data = call.invocation
    assert (data.request_id, data.caller_identity, data.payload, data.response_timeout) == ("id", "alice", "hello", 2.5)
    assert data.method == "greet"
    harness.core.finish(call, "bye")
    assert kinds(harness) == ["ack", "run", "response"]
    assert harness.responses == ["bye"]
    assert len(harness.core) == 0
    assert harness.core.next_timer() is None


def test_row_12_and_17_an_error_is_sent_as_it_is() -> None:
    harness = ResponderHarness()
    call = harness.run_one()
    error = RpcError._built_in(Code.UNSUPPORTED_METHOD)
    harness.core.fail(call, error)
    assert harness.errors == [error]
    assert len(harness.core) == 0


@pytest.mark.parametrize("caller", ["", "alice"])
@pytest.mark.parametrize("request_id", ["", "x" * (MAX_REQUEST_ID_LENGTH + 1)])
def test_requests_that_cannot_be_answered_are_dropped(caller: str, request_id: str) -> None:
    harness = ResponderHarness()
    assert harness.begin(caller, request_id) is None
    assert harness.begin("", "id") is None
    assert harness.log == []


@pytest.mark.parametrize(("version", "expected"), [(0, 1), (2, 1), (3, 1), (0, 2), (1, 2), (99, 2)])
def test_an_unknown_version_is_rejected(version: int, expected: int) -> None:
    harness = ResponderHarness()
    assert harness.begin(version=version, expected=expected) is None
    assert kinds(harness) == ["ack", "error"]
    assert harness.errors[0].code == Code.UNSUPPORTED_VERSION
    assert len(harness.core) == 0


# Row 5: the deadline


def test_row_05_timeouts_of_our_callers_are_exact() -> None:
    harness = ResponderHarness()
    call = harness.run_one(request_id=new_request_id(), timeout_ms=1000)
    assert call.deadline == 101.0
    harness.advance(1.0)
    assert [error.code for error in harness.errors] == [Code.RESPONSE_TIMEOUT]
    assert harness.stopped == [call]
    assert call.invocation.cancel_reason is Code.RESPONSE_TIMEOUT


def test_row_05_timeouts_of_the_server_are_exact() -> None:
    harness = ResponderHarness()
    assert harness.run_one(OFFICIAL_ID, OFFICIAL_ID, timeout_ms=1000).deadline == 101.0


def test_row_05_timeouts_of_other_callers_get_seven_seconds_more() -> None:
    harness = ResponderHarness()
    call = harness.run_one("alice", OFFICIAL_ID, timeout_ms=1000)
    assert call.invocation.response_timeout == 1.0
    harness.advance(1.0 + RUST_CALLER_ALLOWANCE - 0.001)
    assert harness.errors == []
    harness.advance(0.001)
    assert [error.code for error in harness.errors] == [Code.RESPONSE_TIMEOUT]


def test_row_05_a_handler_that_continues_after_its_deadline_sends_no_answer() -> None:
    harness = ResponderHarness()
    call = harness.run_one()
    harness.advance(1.0)
    assert len(harness.core) == 1
    harness.core.finish(call, "too late")
    assert kinds(harness) == ["ack", "run", "error", "stop"]
    assert len(harness.core) == 0


def test_row_05_an_incomplete_request_times_out() -> None:
    harness = ResponderHarness()
    call = harness.begin()
    assert call is not None
    harness.core.content_received(call, b"half")
    harness.advance(1.0)
    assert kinds(harness) == ["ack", "error"]
    assert len(harness.core) == 0
    harness.core.content_received(call, b" a payload")
    harness.core.content_complete(call)
    assert call.content == b""
    assert kinds(harness) == ["ack", "error"]


def test_the_received_timeout_is_bounded() -> None:
    harness = ResponderHarness()
    assert harness.run_one(timeout_ms=10**15).invocation.response_timeout == MAX_TIMEOUT_MS / 1000


# Row 13: cancels


def test_row_13_a_cancel_stops_the_handler_without_an_answer() -> None:
    harness = ResponderHarness()
    call = harness.run_one()
    harness.core.receive_cancel("alice", call.request_id)
    harness.core.receive_cancel("alice", call.request_id)
    assert harness.stopped == [call]
    assert call.invocation.cancel_reason is None
    harness.core.fail(call, RpcError._built_in(Code.APPLICATION_ERROR))
    harness.advance(10.0)
    assert kinds(harness) == ["ack", "run", "stop"]
    assert len(harness.core) == 0


def test_row_13_a_cancel_of_an_incomplete_request() -> None:
    harness = ResponderHarness()
    call = harness.begin()
    assert call is not None
    harness.core.receive_cancel("alice", call.request_id)
    harness.core.payload_received(call, "the rest")
    harness.advance(10.0)
    assert kinds(harness) == ["ack"]
    assert len(harness.core) == 0


def test_row_13_an_aborted_request() -> None:
    harness = ResponderHarness()
    call = harness.begin()
    assert call is not None
    harness.core.abandon(call)
    harness.core.abandon(call)
    harness.core.payload_received(call, "the rest")
    assert kinds(harness) == ["ack"]
    assert len(harness.core) == 0


def test_row_27_only_the_caller_cancels() -> None:
    harness = ResponderHarness()
    call = harness.run_one()
    for sender, request_id in (("mallory", call.request_id), ("", call.request_id), ("alice", "another")):
        harness.core.receive_cancel(sender, request_id)
    assert harness.stopped == []
    harness.core.finish(call, "")
    assert harness.responses == [""]


# Row 14: payload limits


def begun(harness: ResponderHarness) -> IncomingCall:
    call = harness.begin()
    assert call is not None
    return call


def test_row_14_version_1_takes_15360_bytes() -> None:
    harness = ResponderHarness()
    harness.core.payload_received(begun(harness), "ä" * 7_680)
    harness.core.payload_received(begun(harness), "ä" * 7_680 + "x")
    assert kinds(harness) == ["ack", "run", "ack", "error"]
    assert code_and_data(harness.errors[0]) == (
        Code.REQUEST_PAYLOAD_TOO_LARGE,
        reason_data(f"over {MAX_V1_PAYLOAD_BYTES} bytes"),
    )
    assert len(harness.core) == 1


@pytest.mark.parametrize(("limit", "fits"), [(262_144, False), (None, True), (300_000, True)])
def test_row_14_version_2_has_the_rooms_limit(limit: int | None, fits: bool) -> None:
    harness = ResponderHarness(ResponderLimits(max_payload_size=limit))
    call = harness.begin(version=2, expected=VERSION_2)
    assert call is not None
    harness.core.payload_received(call, "x" * 262_145)
    assert [error.code for error in harness.errors] == ([] if fits else [Code.REQUEST_PAYLOAD_TOO_LARGE])
    call = harness.begin(version=2, expected=VERSION_2)
    assert call is not None
    harness.core.payload_received(call, "")
    harness.core.finish(call, "x" * 262_145)
    assert len(harness.responses) == fits
    assert fits or harness.errors[1].code == Code.RESPONSE_PAYLOAD_TOO_LARGE


def test_row_14_a_version_1_response_is_limited_to_15360_bytes() -> None:
    harness = ResponderHarness()
    harness.core.finish(harness.run_one(), "x" * MAX_V1_PAYLOAD_BYTES)
    harness.core.finish(harness.run_one(), "x" * (MAX_V1_PAYLOAD_BYTES + 1))
    assert len(harness.responses) == 1
    assert [error.code for error in harness.errors] == [Code.RESPONSE_PAYLOAD_TOO_LARGE]


def test_a_payload_in_parts() -> None:
    harness = ResponderHarness()
    call = harness.begin(version=2, expected=VERSION_2)
    assert call is not None
    for byte in "ä€😀".encode():
        harness.core.content_received(call, bytes([byte]))
    harness.core.content_complete(call)
    assert call.invocation.payload == "ä€😀"
    assert call.content == b""


def test_a_payload_that_is_not_utf8() -> None:
    harness = ResponderHarness()
    call = harness.begin(version=2, expected=VERSION_2)
    assert call is not None
    harness.core.content_received(call, b"\xff")
    harness.core.content_complete(call)
    assert code_and_data(harness.errors[0]) == (Code.APPLICATION_ERROR, reason_data("request_not_utf8"))
    harness.core.reject(call, RpcError._built_in(Code.APPLICATION_ERROR))
    assert len(harness.errors) == 1


# Rows 15 and 16: what handlers return


@pytest.mark.parametrize(("result", "payload"), [(None, ""), ("", ""), ("text", "text")])
def test_row_15_none_and_str(result: str | None, payload: str) -> None:
    harness = ResponderHarness()
    harness.core.finish(harness.run_one(), result)
    assert harness.responses == [payload]


@pytest.mark.parametrize("result", [b"bytes", 1, {"a": 1}, ["x"], object()])
def test_row_16_anything_else_is_an_error_that_names_the_type(result: object) -> None:
    harness = ResponderHarness()
    harness.core.finish(harness.run_one(), result)
    code, data = code_and_data(harness.errors[0])
    assert code == Code.APPLICATION_ERROR
    assert data is not None
    assert type(result).__name__ in data


def test_row_16_a_str_that_cannot_be_sent() -> None:
    harness = ResponderHarness()
    harness.core.finish(harness.run_one(), "\ud800")
    assert harness.errors[0].code == Code.APPLICATION_ERROR
    assert harness.responses == []


class UnfinishedError(RpcError):
    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    "error",
    [
        RpcError(-1, "negative"),
        RpcError(2**32, "too large"),
        RpcError(1, "\ud800"),
        RpcError(1, "long", "\ud800" * 20_000),
        UnfinishedError(),
    ],
)
def test_row_16_an_rpc_error_that_cannot_be_sent(error: RpcError) -> None:
    harness = ResponderHarness()
    harness.check_error = RpcError._to_proto
    call = harness.run_one()
    harness.core.fail(call, error)
    assert kinds(harness) == ["ack", "run", "error"]
    code, data = code_and_data(harness.errors[0])
    assert code == Code.APPLICATION_ERROR
    assert data is not None
    assert type(error).__name__ in data
    assert len(harness.core) == 0


# Row 27: at most once


@pytest.mark.parametrize("ended", [False, True])
def test_row_27_a_request_runs_once(ended: bool) -> None:
    harness = ResponderHarness()
    call = harness.run_one("alice", "id")
    if ended:
        harness.core.finish(call, "")
    before = list(harness.log)
    assert harness.begin("alice", "id") is None
    assert harness.begin("alice", "id", version=VERSION_2, expected=VERSION_2) is None
    assert harness.log == before


def test_row_27_ids_are_scoped_to_the_sender() -> None:
    harness = ResponderHarness()
    harness.run_one("alice", "id")
    harness.run_one("carol", "id")
    assert len(harness.started) == 2


def test_row_27_an_id_is_remembered_while_its_invocation_lives() -> None:
    harness = ResponderHarness()
    harness.run_one("alice", "id", timeout_ms=MAX_TIMEOUT_MS)
    harness.core._dedup = type(harness.core._dedup)()
    assert harness.begin("alice", "id") is None


def test_row_27_a_duplicate_payload_is_ignored() -> None:
    harness = ResponderHarness()
    call = harness.run_one()
    harness.core.payload_received(call, "again")
    harness.core.finish(call, "")
    harness.core.payload_received(call, "again")
    harness.core.finish(call, "")
    harness.core.fail(call, RpcError(1, "again"))
    assert kinds(harness) == ["ack", "run", "response"]


# Row 28: the room disconnects


def test_row_28_callers_are_answered_and_handlers_stopped() -> None:
    harness = ResponderHarness()
    running = harness.run_one()
    receiving = harness.begin()
    assert receiving is not None
    expired = harness.run_one(timeout_ms=0)
    harness.advance(0.0)
    harness.log.clear()
    harness.core.close()
    assert harness.log == [
        ("error", running.request_id),
        ("stop", running.request_id),
        ("error", receiving.request_id),
    ]
    assert expired.invocation.cancel_reason is Code.RESPONSE_TIMEOUT
    assert running.invocation.cancel_reason is Code.RECIPIENT_DISCONNECTED
    assert [error.code for error in harness.errors[1:]] == [Code.RECIPIENT_DISCONNECTED] * 2
    assert len(harness.core) == 2


def test_row_28_a_closed_room_rejects_calls() -> None:
    harness = ResponderHarness()
    harness.core.close()
    assert harness.begin() is None
    assert kinds(harness) == ["ack", "error"]
    assert harness.errors[0].code == Code.RECIPIENT_DISCONNECTED


# Row 29: cost


def test_row_29_one_heap_entry_per_call_and_none_left() -> None:
    harness = ResponderHarness()
    for _ in range(10_000):
        harness.core.finish(harness.run_one(), "")
        assert harness.core._deadlines._items == {}
    assert len(harness.core._deadlines) <= 1_100
    assert harness.core._calls_per_caller == {}


# Row 30: limits


def test_row_30_a_limit_for_the_room() -> None:
    harness = ResponderHarness(ResponderLimits(max_concurrent_calls=2))
    first, _ = harness.run_one("alice"), harness.run_one("carol")
    assert harness.begin("dave") is None
    assert kinds(harness)[-2:] == ["ack", "error"]
    assert isinstance(harness.errors[0], RpcOverloadedError)
    assert code_and_data(harness.errors[0]) == (Code.APPLICATION_ERROR, OVERLOADED_DATA)
    harness.core.finish(first, "")
    assert harness.begin("dave") is not None


def test_row_30_a_limit_for_each_caller() -> None:
    harness = ResponderHarness(ResponderLimits(max_concurrent_calls_per_caller=1))
    call = harness.run_one("alice")
    assert harness.begin("alice") is None
    harness.run_one("carol")
    harness.core.finish(call, "")
    assert harness.begin("alice") is not None


def test_row_30_a_stopped_handler_counts_until_it_ends() -> None:
    harness = ResponderHarness(ResponderLimits(max_concurrent_calls=1))
    call = harness.run_one()
    harness.advance(1.0)
    assert harness.begin() is None
    harness.core.fail(call, RpcError._built_in(Code.APPLICATION_ERROR))
    assert harness.begin() is not None


def test_row_30_unlimited_by_default() -> None:
    harness = ResponderHarness()
    for _ in range(5_000):
        harness.run_one()
    assert len(harness.core) == 5_000
    assert isinstance(harness.core, Responder)


def test_row_30_incomplete_requests_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responder, "MAX_BUFFERED_BYTES", 300)
    harness = ResponderHarness(ResponderLimits(max_payload_size=200))
    halves = [harness.begin("alice", f"{number}") for number in range(4)]
    others = harness.begin("bob", "0")
    assert others is not None
    for call in halves[:3]:
        assert call is not None
        harness.core.content_received(call, bytes(100))
    harness.core.content_received(others, bytes(100))
    assert harness.errors == []
    first, *_, last = halves
    assert first is not None
    assert last is not None
    harness.core.content_received(last, b"x")
    assert [error.data for error in harness.errors] == [OVERLOADED_DATA]
    harness.core.content_complete(first)
    more = harness.begin("alice", "more")
    assert more is not None
    harness.core.content_received(more, bytes(100))
    assert len(harness.errors) == 1
    harness.core.close()
    assert not harness.core._buffered


def test_a_task_cancelled_before_its_first_step_fails_the_call() -> None:
    harness = ResponderHarness()
    call = harness.run_one()
    harness.core.task_done(call)
    assert [error.code for error in harness.errors] == [Code.APPLICATION_ERROR]
    assert len(harness.core) == 0
    harness.core.task_done(call)
    assert len(harness.errors) == 1
