"""Requests of calls, and RPC errors from the responses of servers."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback

import pytest

from livekit import RpcError
from livekit.backend import BackendRpcError, BackendTimeoutError, RecipientNotFoundError
from livekit.backend.calls import MAX_TIMEOUT_MS, BackendCall
from livekit.backend.twirp import TwirpEndpoint, TwirpResponse
from livekit.protocol.room import PerformRpcRequest, PerformRpcResponse
from livekit.rpc import RpcCallInfo

SERVER = TwirpEndpoint("http://x", "key", "secret")
CALL = BackendCall(room="r", info=RpcCallInfo("alice", "greet", "hi"))
Code = RpcError.ErrorCode


def failure(status: int, code: str, message: str, meta: dict[str, str] | None = None) -> BackendRpcError:
    body = {"code": code, "msg": message, **({"meta": meta} if meta else {})}
    with pytest.raises(BackendRpcError) as caught:
        CALL.parse_response(CALL.request(SERVER), TwirpResponse(status, json.dumps(body).encode()))
    return caught.value


def test_request_has_all_fields_of_the_call() -> None:
    request = PerformRpcRequest.FromString(CALL.request(SERVER).body)
    expected = PerformRpcRequest(
        room="r", destination_identity="alice", method="greet", payload="hi", response_timeout_ms=15_000
    )
    assert request == expected


@pytest.mark.filterwarnings("ignore:.*response_timeout=1e.09 is in seconds")  # a time beyond the field's range
@pytest.mark.parametrize(("seconds", "milliseconds"), [(5, 5000), (0.0001, 1), (1e9, MAX_TIMEOUT_MS)])
def test_timeout_is_sent_in_whole_milliseconds_within_bounds(seconds: float, milliseconds: int) -> None:
    call = BackendCall.create("r", RpcCallInfo("a", "m", "", seconds))
    assert call.timeout == seconds
    assert PerformRpcRequest.FromString(call.request(SERVER).body).response_timeout_ms == milliseconds


def test_response_is_the_payload() -> None:
    body = PerformRpcResponse(payload="é").SerializeToString()
    assert CALL.parse_response(CALL.request(SERVER), TwirpResponse(200, body)) == "é"


@pytest.mark.parametrize(
    ("status", "service_code", "text", "code", "error_class"),
    [
        (500, "internal", "RpcError 2001: no money", 2001, BackendRpcError),
        (408, "canceled", "RpcError 1502: Response timeout", Code.RESPONSE_TIMEOUT, BackendTimeoutError),
        (408, "canceled", "RpcError 1501: Connection timeout", Code.CONNECTION_TIMEOUT, BackendTimeoutError),
        (503, "unavailable", "RpcError 1503: Recipient disconnected", Code.RECIPIENT_DISCONNECTED, BackendRpcError),
        (503, "unavailable", "no response from servers", Code.RECIPIENT_NOT_FOUND, RecipientNotFoundError),
        (503, "unavailable", "going down", Code.SEND_FAILED, BackendRpcError),
        (404, "not_found", "requested room does not exist", Code.RECIPIENT_NOT_FOUND, RecipientNotFoundError),
        (408, "deadline_exceeded", "request timed out", Code.RESPONSE_TIMEOUT, BackendTimeoutError),
        (404, "bad_route", "no handler for path", Code.UNSUPPORTED_SERVER, BackendRpcError),
        (501, "unimplemented", "", Code.UNSUPPORTED_SERVER, BackendRpcError),
        (500, "internal", "something broke", Code.SEND_FAILED, BackendRpcError),
        (413, "malformed", "too large", Code.REQUEST_PAYLOAD_TOO_LARGE, BackendRpcError),
    ],
)
@pytest.mark.parametrize("prefix", ["", "twirp error unknown: "])
def test_errors_have_code_and_class(
    prefix: str, status: int, service_code: str, text: str, code: int, error_class: type[RpcError]
) -> None:
    error = failure(status, service_code, prefix + text)
    assert type(error) is error_class
    assert error.code == code
    assert isinstance(error.code, Code) == (code < 2000)
    assert error.raw == prefix + text
    assert prefix == "" or prefix not in error.message
    assert error.exact


def test_ambiguous_text_is_not_exact() -> None:
    error = failure(500, "internal", "RpcError 7: a: b: c")
    assert (error.message, error.data, error.exact) == ("a", "b: c", False)


def test_meta_of_the_embedded_server_is_exact() -> None:
    meta = {"code": "7", "message": "a: b", "data": "c: d"}
    error = failure(500, "internal", "RpcError 7: a: b: c: d", meta)
    assert (error.code, error.message, error.data, error.exact) == (7, "a: b", "c: d", True)
    assert failure(500, "internal", "RpcError 7: ", {"code": "7"}).data is None


@pytest.mark.parametrize("code", ["", "x", "-1", "٣", "1" * 5000])
def test_other_meta_is_ignored(code: str) -> None:
    assert failure(500, "internal", "RpcError 9: a", {"code": code}).code == 9


def test_missing_participant_is_named() -> None:
    assert "no participant 'alice' in room 'r'" in failure(404, "not_found", "x").message


def test_errors_derive_from_builtin_exceptions() -> None:
    assert isinstance(CALL.timeout_error(), TimeoutError)
    assert isinstance(failure(404, "not_found", "x"), LookupError)


def test_errors_can_be_copied_and_pickled() -> None:
    for error in (failure(500, "internal", "RpcError 7: a: b"), CALL.timeout_error(), failure(404, "not_found", "x")):
        for copied in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert type(copied) is type(error)
            assert (repr(copied), copied.raw, copied.exact) == (repr(error), error.raw, error.exact)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes from Python 3.11 on")
def test_traceback_names_the_code_the_method_and_the_callee() -> None:
    errors: list[BackendRpcError] = [failure(500, "internal", "RpcError 2001: no money"), CALL.timeout_error()]
    last_lines = [traceback.format_exception(error)[-1] for error in errors]
    assert last_lines == [f"RpcError {code} from calling 'greet' of 'alice'\n" for code in (2001, 1502)]


@pytest.mark.parametrize("text", ["RpcError 1503: Recipient disconnected", "going down"])
def test_error_has_the_time_that_the_server_asks_to_wait(text: str) -> None:
    body = json.dumps({"code": "unavailable", "msg": text}).encode()
    request = CALL.request(SERVER)
    with pytest.raises(BackendRpcError) as caught:
        CALL.parse_response(request, TwirpResponse(503, body, {"Retry-After": "7"}))
    assert caught.value.retry_after == 7.0
    assert failure(503, "unavailable", text).retry_after is None
