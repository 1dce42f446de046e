from __future__ import annotations

import pytest

from livekit.rpc import responder
from livekit.rpc.errors import OVERLOADED_DATA, RpcError, RpcOverloadedError
from livekit.rpc.responder import RUST_CALLER_ALLOWANCE, IncomingCall, Responder, ResponderLimits, ServeState
from livekit.rpc.wire import (
    MAX_REQUEST_ID_LENGTH,
    MAX_TIMEOUT_MS,
    MAX_V1_PAYLOAD_BYTES,
    VERSION_2,
    new_request_id,
)
from tests.rpc.core_fixtures import Code, ResponderRig, because, why

OFFICIAL_ID = "00112233-4455-4677-8899-aabbccddeeff"


def kinds(rig: ResponderRig) -> list[str]:
    return [kind for kind, _ in rig.log]


def test_a_call_is_acknowledged_run_and_answered() -> None:
    rig = ResponderRig()
    call = rig.begin("alice", "id", timeout_ms=2500, method="greet")
    assert call is not None
    states = [call.state]
    rig.core.payload_received(call, "hello")
    states.append(call.state)
    assert kinds(rig) == ["ack", "run"]
    assert states == [ServeState.RECEIVING, ServeState.RUNNING]
    data = call.invocation
    assert (data.request_id, data.caller_identity, data.payload, data.response_timeout) == ("id", "alice", "hello", 2.5)
    assert data.method == "greet"
    rig.core.finish(call, "bye")
    assert kinds(rig) == ["ack", "run", "response"]
    assert rig.responses == ["bye"]
    assert len(rig.core) == 0
    assert rig.core.next_timer() is None


def test_row_12_and_17_an_error_is_sent_as_it_is() -> None:
    rig = ResponderRig()
    call = rig.run_one()
    error = RpcError._built_in(Code.UNSUPPORTED_METHOD)
    rig.core.fail(call, error)
    assert rig.errors == [error]
    assert len(rig.core) == 0


@pytest.mark.parametrize("caller", ["", "alice"])
@pytest.mark.parametrize("request_id", ["", "x" * (MAX_REQUEST_ID_LENGTH + 1)])
def test_what_cannot_be_answered_is_dropped(caller: str, request_id: str) -> None:
    rig = ResponderRig()
    assert rig.begin(caller, request_id) is None
    assert rig.begin("", "id") is None
    assert rig.log == []


@pytest.mark.parametrize(("version", "expected"), [(0, 1), (2, 1), (3, 1), (0, 2), (1, 2), (99, 2)])
def test_another_version_is_refused(version: int, expected: int) -> None:
    rig = ResponderRig()
    assert rig.begin(version=version, expected=expected) is None
    assert kinds(rig) == ["ack", "error"]
    assert rig.errors[0].code == Code.UNSUPPORTED_VERSION
    assert len(rig.core) == 0


# Row 5: the deadline


def test_row_05_our_callers_tell_the_exact_time() -> None:
    rig = ResponderRig()
    call = rig.run_one(request_id=new_request_id(), timeout_ms=1000)
    assert call.deadline == 101.0
    rig.advance(1.0)
    assert [error.code for error in rig.errors] == [Code.RESPONSE_TIMEOUT]
    assert rig.stopped == [call]
    assert call.invocation.cancel_reason is Code.RESPONSE_TIMEOUT


def test_row_05_the_server_tells_the_exact_time() -> None:
    rig = ResponderRig()
    assert rig.run_one(OFFICIAL_ID, OFFICIAL_ID, timeout_ms=1000).deadline == 101.0


def test_row_05_others_have_kept_seven_seconds_for_themselves() -> None:
    rig = ResponderRig()
    call = rig.run_one("alice", OFFICIAL_ID, timeout_ms=1000)
    assert call.invocation.response_timeout == 1.0
    rig.advance(1.0 + RUST_CALLER_ALLOWANCE - 0.001)
    assert rig.errors == []
    rig.advance(0.001)
    assert [error.code for error in rig.errors] == [Code.RESPONSE_TIMEOUT]


def test_row_05_a_handler_that_goes_on_after_its_deadline_answers_nothing() -> None:
    rig = ResponderRig()
    call = rig.run_one()
    rig.advance(1.0)
    assert len(rig.core) == 1
    rig.core.finish(call, "too late")
    assert kinds(rig) == ["ack", "run", "error", "stop"]
    assert len(rig.core) == 0


def test_row_05_a_request_that_never_gets_complete_times_out() -> None:
    rig = ResponderRig()
    call = rig.begin()
    assert call is not None
    rig.core.content_received(call, b"half")
    rig.advance(1.0)
    assert kinds(rig) == ["ack", "error"]
    assert len(rig.core) == 0
    rig.core.content_received(call, b" a payload")
    rig.core.content_complete(call)
    assert call.content == b""
    assert kinds(rig) == ["ack", "error"]


def test_a_told_time_is_bounded() -> None:
    rig = ResponderRig()
    assert rig.run_one(timeout_ms=10**15).invocation.response_timeout == MAX_TIMEOUT_MS / 1000


# Row 13: cancels


def test_row_13_a_cancel_stops_the_handler_and_answers_nothing() -> None:
    rig = ResponderRig()
    call = rig.run_one()
    rig.core.receive_cancel("alice", call.request_id)
    rig.core.receive_cancel("alice", call.request_id)
    assert rig.stopped == [call]
    assert call.invocation.cancel_reason is None
    rig.core.fail(call, RpcError._built_in(Code.APPLICATION_ERROR))
    rig.advance(10.0)
    assert kinds(rig) == ["ack", "run", "stop"]
    assert len(rig.core) == 0


def test_row_13_a_cancel_of_a_request_that_is_still_arriving() -> None:
    rig = ResponderRig()
    call = rig.begin()
    assert call is not None
    rig.core.receive_cancel("alice", call.request_id)
    rig.core.payload_received(call, "the rest")
    rig.advance(10.0)
    assert kinds(rig) == ["ack"]
    assert len(rig.core) == 0


def test_row_13_an_aborted_request() -> None:
    rig = ResponderRig()
    call = rig.begin()
    assert call is not None
    rig.core.abandon(call)
    rig.core.abandon(call)
    rig.core.payload_received(call, "the rest")
    assert kinds(rig) == ["ack"]
    assert len(rig.core) == 0


def test_row_27_only_the_caller_cancels() -> None:
    rig = ResponderRig()
    call = rig.run_one()
    for sender, request_id in (("mallory", call.request_id), ("", call.request_id), ("alice", "another")):
        rig.core.receive_cancel(sender, request_id)
    assert rig.stopped == []
    rig.core.finish(call, "")
    assert rig.responses == [""]


# Row 14: payload limits


def begun(rig: ResponderRig) -> IncomingCall:
    call = rig.begin()
    assert call is not None
    return call


def test_row_14_version_1_takes_15360_bytes() -> None:
    rig = ResponderRig()
    rig.core.payload_received(begun(rig), "ä" * 7_680)
    rig.core.payload_received(begun(rig), "ä" * 7_680 + "x")
    assert kinds(rig) == ["ack", "run", "ack", "error"]
    assert why(rig.errors[0]) == (Code.REQUEST_PAYLOAD_TOO_LARGE, because(f"over {MAX_V1_PAYLOAD_BYTES} bytes"))
    assert len(rig.core) == 1


@pytest.mark.parametrize(("limit", "fits"), [(262_144, False), (None, True), (300_000, True)])
def test_row_14_version_2_has_the_rooms_limit(limit: int | None, fits: bool) -> None:
    rig = ResponderRig(ResponderLimits(max_payload_size=limit))
    call = rig.begin(version=2, expected=VERSION_2)
    assert call is not None
    rig.core.payload_received(call, "x" * 262_145)
    assert [error.code for error in rig.errors] == ([] if fits else [Code.REQUEST_PAYLOAD_TOO_LARGE])
    call = rig.begin(version=2, expected=VERSION_2)
    assert call is not None
    rig.core.payload_received(call, "")
    rig.core.finish(call, "x" * 262_145)
    assert len(rig.responses) == fits
    assert fits or rig.errors[1].code == Code.RESPONSE_PAYLOAD_TOO_LARGE


def test_row_14_a_response_in_version_1_has_15360_bytes() -> None:
    rig = ResponderRig()
    rig.core.finish(rig.run_one(), "x" * MAX_V1_PAYLOAD_BYTES)
    rig.core.finish(rig.run_one(), "x" * (MAX_V1_PAYLOAD_BYTES + 1))
    assert len(rig.responses) == 1
    assert [error.code for error in rig.errors] == [Code.RESPONSE_PAYLOAD_TOO_LARGE]


def test_a_payload_in_parts() -> None:
    rig = ResponderRig()
    call = rig.begin(version=2, expected=VERSION_2)
    assert call is not None
    for byte in "ä€😀".encode():
        rig.core.content_received(call, bytes([byte]))
    rig.core.content_complete(call)
    assert call.invocation.payload == "ä€😀"
    assert call.content == b""


def test_a_payload_that_is_no_text() -> None:
    rig = ResponderRig()
    call = rig.begin(version=2, expected=VERSION_2)
    assert call is not None
    rig.core.content_received(call, b"\xff")
    rig.core.content_complete(call)
    assert why(rig.errors[0]) == (Code.APPLICATION_ERROR, because("request_not_utf8"))
    rig.core.reject(call, RpcError._built_in(Code.APPLICATION_ERROR))
    assert len(rig.errors) == 1


# Rows 15 and 16: what handlers return


@pytest.mark.parametrize(("result", "payload"), [(None, ""), ("", ""), ("text", "text")])
def test_row_15_none_and_str(result: str | None, payload: str) -> None:
    rig = ResponderRig()
    rig.core.finish(rig.run_one(), result)
    assert rig.responses == [payload]


@pytest.mark.parametrize("result", [b"bytes", 1, {"a": 1}, ["x"], object()])
def test_row_16_anything_else_is_an_error_that_names_the_type(result: object) -> None:
    rig = ResponderRig()
    rig.core.finish(rig.run_one(), result)
    code, data = why(rig.errors[0])
    assert code == Code.APPLICATION_ERROR
    assert data is not None
    assert type(result).__name__ in data


def test_row_16_a_str_that_cannot_be_sent() -> None:
    rig = ResponderRig()
    rig.core.finish(rig.run_one(), "\ud800")
    assert rig.errors[0].code == Code.APPLICATION_ERROR
    assert rig.responses == []


class UnfinishedError(RpcError):
    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    "error",
    [
        RpcError(-1, "negative"),
        RpcError(2**32, "too large"),
        RpcError("abc", "no number"),  # type: ignore[arg-type]
        RpcError(1, None),  # type: ignore[arg-type]
        RpcError(1, "data", {"a": 1}),  # type: ignore[arg-type]
        RpcError(1, "data", dict.fromkeys(range(20_000))),  # type: ignore[arg-type]
        RpcError(1, "\ud800"),
        RpcError(1, "long", "\ud800" * 20_000),
        UnfinishedError(),
    ],
)
def test_row_16_an_rpc_error_that_cannot_be_sent(error: RpcError) -> None:
    rig = ResponderRig()
    rig.check_error = RpcError._to_proto
    call = rig.run_one()
    rig.core.fail(call, error)
    assert kinds(rig) == ["ack", "run", "error"]
    code, data = why(rig.errors[0])
    assert code == Code.APPLICATION_ERROR
    assert data is not None
    assert type(error).__name__ in data
    assert len(rig.core) == 0


# Row 27: at most once


@pytest.mark.parametrize("ended", [False, True])
def test_row_27_a_request_runs_once(ended: bool) -> None:
    rig = ResponderRig()
    call = rig.run_one("alice", "id")
    if ended:
        rig.core.finish(call, "")
    before = list(rig.log)
    assert rig.begin("alice", "id") is None
    assert rig.begin("alice", "id", version=VERSION_2, expected=VERSION_2) is None
    assert rig.log == before


def test_row_27_ids_are_the_senders_own() -> None:
    rig = ResponderRig()
    rig.run_one("alice", "id")
    rig.run_one("carol", "id")
    assert len(rig.started) == 2


def test_row_27_an_id_is_remembered_while_its_invocation_lives() -> None:
    rig = ResponderRig()
    rig.run_one("alice", "id", timeout_ms=MAX_TIMEOUT_MS)
    rig.core._seen = type(rig.core._seen)()
    assert rig.begin("alice", "id") is None


def test_row_27_a_payload_that_comes_again_runs_nothing() -> None:
    rig = ResponderRig()
    call = rig.run_one()
    rig.core.payload_received(call, "again")
    rig.core.finish(call, "")
    rig.core.payload_received(call, "again")
    rig.core.finish(call, "")
    rig.core.fail(call, RpcError(1, "again"))
    assert kinds(rig) == ["ack", "run", "response"]


# Row 28: the room disconnects


def test_row_28_callers_are_told_and_handlers_stopped() -> None:
    rig = ResponderRig()
    running = rig.run_one()
    receiving = rig.begin()
    assert receiving is not None
    expired = rig.run_one(timeout_ms=0)
    rig.advance(0.0)
    rig.log.clear()
    rig.core.close()
    assert rig.log == [
        ("error", running.request_id),
        ("stop", running.request_id),
        ("error", receiving.request_id),
    ]
    assert expired.invocation.cancel_reason is Code.RESPONSE_TIMEOUT
    assert running.invocation.cancel_reason is Code.RECIPIENT_DISCONNECTED
    assert [error.code for error in rig.errors[1:]] == [Code.RECIPIENT_DISCONNECTED] * 2
    assert len(rig.core) == 2


def test_row_28_a_closing_room_runs_nothing_more() -> None:
    rig = ResponderRig()
    rig.core.close()
    assert rig.begin() is None
    assert kinds(rig) == ["ack", "error"]
    assert rig.errors[0].code == Code.RECIPIENT_DISCONNECTED


# Row 29: cost


def test_row_29_one_heap_entry_for_each_call_and_none_kept() -> None:
    rig = ResponderRig()
    for _ in range(10_000):
        rig.core.finish(rig.run_one(), "")
        assert rig.core._timers._items == {}
    assert len(rig.core._timers) <= 1_100
    assert rig.core._by_caller == {}


# Row 30: limits


def test_row_30_a_limit_for_the_room() -> None:
    rig = ResponderRig(ResponderLimits(max_concurrent_calls=2))
    first, _ = rig.run_one("alice"), rig.run_one("carol")
    assert rig.begin("dave") is None
    assert kinds(rig)[-2:] == ["ack", "error"]
    assert isinstance(rig.errors[0], RpcOverloadedError)
    assert why(rig.errors[0]) == (Code.APPLICATION_ERROR, OVERLOADED_DATA)
    rig.core.finish(first, "")
    assert rig.begin("dave") is not None


def test_row_30_a_limit_for_each_caller() -> None:
    rig = ResponderRig(ResponderLimits(max_concurrent_calls_per_caller=1))
    call = rig.run_one("alice")
    assert rig.begin("alice") is None
    rig.run_one("carol")
    rig.core.finish(call, "")
    assert rig.begin("alice") is not None


def test_row_30_a_handler_that_was_stopped_counts_until_it_ends() -> None:
    rig = ResponderRig(ResponderLimits(max_concurrent_calls=1))
    call = rig.run_one()
    rig.advance(1.0)
    assert rig.begin() is None
    rig.core.fail(call, RpcError._built_in(Code.APPLICATION_ERROR))
    assert rig.begin() is not None


def test_row_30_unlimited_by_default() -> None:
    rig = ResponderRig()
    for _ in range(5_000):
        rig.run_one()
    assert len(rig.core) == 5_000
    assert isinstance(rig.core, Responder)


def test_row_30_halves_of_requests_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responder, "MAX_ARRIVING", 300)
    rig = ResponderRig(ResponderLimits(max_payload_size=200))
    halves = [rig.begin("alice", f"{number}") for number in range(4)]
    others = rig.begin("bob", "0")
    assert others is not None
    for call in halves[:3]:
        assert call is not None
        rig.core.content_received(call, bytes(100))
    rig.core.content_received(others, bytes(100))
    assert rig.errors == []
    first, *_, last = halves
    assert first is not None
    assert last is not None
    rig.core.content_received(last, b"x")
    assert [error.data for error in rig.errors] == [OVERLOADED_DATA]
    rig.core.content_complete(first)
    more = rig.begin("alice", "more")
    assert more is not None
    rig.core.content_received(more, bytes(100))
    assert len(rig.errors) == 1
    rig.core.close()
    assert not rig.core._arriving
