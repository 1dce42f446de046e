"""`livekit.backend` calls methods of browsers, Node and Python, with and without asyncio."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from livekit.backend import Backend, BackendRpcError
from tests.interop.kinds import BROWSER, NODE, PYTHON, Kind
from tests.interop.matrix import Matrix

pytestmark = [
    pytest.mark.peers,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("kind", [BROWSER, NODE, PYTHON], ids=str),
]


async def test_result_or_error_of_the_handler_is_returned(matrix: Matrix, kind: Kind) -> None:
    """The result of the handler is returned, and its error is raised"""
    callee = await matrix.member(kind)
    async with matrix.backend() as (support, room):
        await support.reach(room, callee.identity, "nothing")
    server = matrix._server
    backend = Backend(server.url, server.api_key, server.api_secret)
    echo: dict[str, Any] = {
        "room": room,
        "destination_identity": callee.identity,
        "method": "echo",
        "payload": "héllo ✗",
    }
    assert await backend.perform_rpc(**echo) == "héllo ✗"
    assert await asyncio.to_thread(lambda: backend.perform_rpc_sync(**echo)) == "héllo ✗"

    raised = {"code": 2001, "message": "no such row: ✗", "data": '{"row":7}'}
    fail: dict[str, Any] = {**echo, "method": "fail", "payload": json.dumps(raised)}
    with pytest.raises(BackendRpcError) as failed:
        await backend.perform_rpc(**fail)
    assert (failed.value.code, failed.value.message, failed.value.data) == tuple(raised.values())
