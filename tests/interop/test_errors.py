"""Errors arrive as raised, within the limits of the wire format, and reveal nothing else."""

from __future__ import annotations

import json

import pytest

from livekit import RpcError
from livekit.rpc.errors import MAX_ERROR_DATA_BYTES, MAX_ERROR_MESSAGE_BYTES
from livekit.rpc.wire import is_our_request_id
from tests.interop.harness import CallError, Participant
from tests.interop.kinds import ALL_PAIRS, BROWSER_0, OURS, Pair
from tests.interop.matrix import Matrix

pytestmark = [
    pytest.mark.peers,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("pair", ALL_PAIRS, ids=str),
]


async def failure(caller: Participant, callee: Participant, method: str, payload: object = None) -> CallError:
    with pytest.raises(CallError) as failed:
        await caller.call(callee, method, json.dumps(payload))
    return failed.value


async def test_error_arrives_with_data(matrix: Matrix, pair: Pair) -> None:
    """An application error arrives with its code, message and data"""
    raised = {"code": 2001, "message": "no such row ✗", "data": '{"row":7}'}
    error = await failure(*await matrix.pair(pair), "fail", raised)
    assert (error.code, error.message, error.data) == (2001, "no such row ✗", '{"row":7}')


async def test_error_arrives_without_data(matrix: Matrix, pair: Pair) -> None:
    """An error without data arrives without data"""
    error = await failure(*await matrix.pair(pair), "fail", {"code": 101, "message": "no"})
    assert (error.code, error.message, error.data) == (101, "no", None)


async def test_long_message_is_truncated(matrix: Matrix, pair: Pair) -> None:
    """A message over 256 bytes is truncated between characters"""
    error = await failure(*await matrix.pair(pair), "fail", {"code": 2002, "message": "漢" * 100})
    assert error.message == "漢" * (MAX_ERROR_MESSAGE_BYTES // 3)


async def test_long_data_is_truncated(matrix: Matrix, pair: Pair) -> None:
    """Data over 15,360 bytes is truncated between characters"""
    raised = {"code": 2003, "message": "long", "data": "漢字x", "times": 3_000}
    error = await failure(*await matrix.pair(pair), "fail", raised)
    assert error.data == "漢字x" * (MAX_ERROR_DATA_BYTES // 7)


async def test_other_exceptions_arrive_without_their_text(matrix: Matrix, pair: Pair) -> None:
    """Any other exception arrives as 1500, without its text"""
    error = await failure(*await matrix.pair(pair), "crash")
    code = RpcError.ErrorCode.APPLICATION_ERROR
    assert (error.code, error.message) == (code, RpcError.ErrorMessage[code])
    if pair.callee is not BROWSER_0:  # version 1 of livekit-client sends the text
        assert error.data is None


async def test_unknown_method_fails(matrix: Matrix, pair: Pair) -> None:
    """A call of an unregistered method fails with 1400"""
    error = await failure(*await matrix.pair(pair), "no such method")
    code = RpcError.ErrorCode.UNSUPPORTED_METHOD
    assert (error.code, error.message) == (code, RpcError.ErrorMessage[code])


async def test_handler_gets_caller_identity_and_timeout(matrix: Matrix, pair: Pair) -> None:
    """The handler gets the caller's identity and the timeout that the caller sends"""
    caller, callee = await matrix.pair(pair)
    seen = json.loads(await caller.call(callee, "describe", timeout=10.0))
    assert seen["caller"] == caller.identity
    assert is_our_request_id(seen["request_id"]) is (pair.caller is OURS)
    if pair.caller is OURS:
        assert 9.0 < seen["response_timeout"] <= 10.0
    else:  # official SDKs subtract 7 s or send the exact timeout
        assert seen["response_timeout"] in (3.0, 10.0)
