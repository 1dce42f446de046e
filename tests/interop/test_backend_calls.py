"""A backend calls methods of browsers, Node and Python participants over HTTP (`PerformRpc` of RoomService)."""

from __future__ import annotations

import asyncio
import json

import pytest

from livekit.rpc.wire import MAX_V1_PAYLOAD_BYTES
from tests.interop.harness import PATIENCE, Participant
from tests.interop.kinds import NODE, OFFICIAL, OURS, PYTHON, Kind
from tests.interop.matrix import Matrix
from tests.support.backend import ServerError, refusal

pytestmark = [
    pytest.mark.peers,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("kind", [OURS, *OFFICIAL], ids=str),
]

LONG = "漢字x" * 10_000


async def call(matrix: Matrix, kind: Kind, method: str, payload: str = "", timeout_ms: int = 0) -> str:
    callee = await matrix.member(kind)
    async with matrix.backend() as (backend, room):
        return await backend.perform_rpc(room, callee.identity, method, payload, timeout_ms)


async def failure(matrix: Matrix, kind: Kind, method: str, payload: str = "", timeout_ms: int = 0) -> ServerError:
    with pytest.raises(ServerError) as failed:
        await call(matrix, kind, method, payload, timeout_ms)
    return failed.value


async def test_payloads_are_echoed(matrix: Matrix, kind: Kind) -> None:
    """Payloads of up to 15,360 bytes are echoed"""
    for payload in ("", "héllo ✗", "é" * (MAX_V1_PAYLOAD_BYTES // 2)):
        assert await call(matrix, kind, "echo", payload) == payload


async def test_long_requests_reach_version_2_callees(matrix: Matrix, kind: Kind, embedded_server: bool) -> None:
    """Longer requests pass through our server to version 2 callees"""
    if embedded_server and kind.client_protocol:
        assert await call(matrix, kind, "nothing", LONG) == ""
    else:
        assert refusal(await failure(matrix, kind, "nothing", LONG))[2].startswith("RpcError 1402: ")


async def test_long_responses_arrive_except_from_browsers(matrix: Matrix, kind: Kind, embedded_server: bool) -> None:
    """Longer responses pass too, except from browsers, which send them only to participants"""
    text = json.dumps({"text": "漢字x", "times": 10_000})
    if embedded_server and kind in (OURS, PYTHON, NODE):
        assert await call(matrix, kind, "repeat", text) == LONG
    else:
        assert refusal(await failure(matrix, kind, "repeat", text))[2].startswith("RpcError 1504: ")


async def test_callee_gets_request_id_and_timeout(matrix: Matrix, kind: Kind) -> None:
    """The caller identity is the request id, and the timeout is the backend's"""
    seen = json.loads(await call(matrix, kind, "describe", timeout_ms=9_000))
    assert seen["caller"] == seen["request_id"]
    assert 8.0 < seen["response_timeout"] <= 9.0


async def test_error_arrives_with_code_message_and_data(matrix: Matrix, kind: Kind) -> None:
    """An error arrives with its code, message and data"""
    raised = {"code": 2001, "message": "no such row ✗", "data": '{"row":7}'}
    error = await failure(matrix, kind, "fail", json.dumps(raised))
    assert refusal(error) == (500, "internal", 'RpcError 2001: no such row ✗: {"row":7}')


async def test_unknown_method_fails(matrix: Matrix, kind: Kind) -> None:
    """A call of an unregistered method fails with 1400"""
    error = await failure(matrix, kind, "no such method")
    assert refusal(error) == (400, "invalid_argument", "RpcError 1400: Method not supported at destination")


async def test_call_beyond_its_timeout_fails(matrix: Matrix, kind: Kind) -> None:
    """A call that exceeds its timeout fails with 1502"""
    error = await failure(matrix, kind, "sleep", "3", 300)
    assert refusal(error)[:2] == (408, "canceled")
    assert refusal(error)[2].startswith("RpcError 1502: Response timeout")


async def test_call_fails_when_the_callee_leaves(matrix: Matrix, kind: Kind) -> None:
    """A call whose callee leaves fails immediately"""
    callee = await matrix.guest(kind)
    async with matrix.backend() as (backend, room):
        await backend.reach(room, callee.identity, "nothing")
        pending = asyncio.ensure_future(backend.perform_rpc(room, callee.identity, "sleep", "20", 20_000))
        async with callee.changed:
            await asyncio.wait_for(callee.changed.wait_for(lambda: is_sleeping(callee)), PATIENCE)
        await callee.leave()
        with pytest.raises(ServerError) as failed:
            await pending
    assert failed.value.code in ("unavailable", "not_found")


def is_sleeping(callee: Participant) -> bool:
    return any((event["event"], event.get("method")) == ("started", "sleep") for event in callee.events)
