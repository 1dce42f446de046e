"""RPC calls from a backend: invocations, responses and errors."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from livekit import E2EEOptions, KeyProviderOptions, Room, RoomOptions, RpcError, RpcInvocationData
from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.protocol import room as room_pb
from livekit.rpc.wire import MAX_V1_PAYLOAD_BYTES
from livekit.server import DevServer, limits
from livekit.server.services.twirp import TIMEOUT_HEADER
from livekit.testing import RunningServer
from tests.server.client import open_client
from tests.support.backend import SERVICE, Backend, ServerError, refusal
from tests.support.rooms import ANNOUNCED_WITHIN, Join

embedded_only = pytest.mark.skipif(RunningServer.from_environment() is not None, reason="other servers differ in this")


class Callee:
    """A participant with RPC methods."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        for method in (self.describe, self.fail, self.wait, self.repeat):
            room.local_participant.register_rpc_method(method.__name__, method)

    async def describe(self, call: RpcInvocationData) -> str:
        return json.dumps([call.payload, call.caller_identity == call.request_id, call.response_timeout])

    async def fail(self, call: RpcInvocationData) -> str:
        code, message, data = json.loads(call.payload)
        raise RpcError(code, message, data)

    async def wait(self, call: RpcInvocationData) -> str:
        self.started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return ""

    async def repeat(self, call: RpcInvocationData) -> str:
        return "é" * int(call.payload)


@pytest.fixture
async def callee(join: Join, backend: Backend, room_name: str) -> Callee:
    callee = Callee(await join("callee"))
    await backend.reach(room_name, "callee", "describe")
    return callee


async def failure(backend: Backend, room: str, method: str, payload: str = "", timeout_ms: int = 0) -> ServerError:
    with pytest.raises(ServerError) as failed:
        await backend.perform_rpc(room, "callee", method, payload, timeout_ms)
    return failed.value


async def test_invocation_of_the_callee(backend: Backend, callee: Callee, room_name: str) -> None:
    seen = json.loads(await backend.perform_rpc(room_name, "callee", "describe", "héllo", 8_000))
    assert seen[:2] == ["héllo", True]
    assert 7.0 < seen[2] <= 8.0
    seen = json.loads(await backend.perform_rpc(room_name, "callee", "describe"))
    assert 9.0 < seen[2] <= 10.0, "by default"


@pytest.mark.parametrize("data", [None, '{"row": 7, "why": "a: b"}'])
async def test_application_error(backend: Backend, callee: Callee, room_name: str, data: str | None) -> None:
    error = await failure(backend, room_name, "fail", json.dumps([2001, "no such: row ✗", data]))
    text = "RpcError 2001: no such: row ✗" + (f": {data}" if data else "")
    assert refusal(error) == (500, "internal", text)
    if RunningServer.from_environment() is None:
        parts = {"code": "2001", "message": "no such: row ✗", "data": data}
        assert error.metadata == {name: part for name, part in parts.items() if part}


async def test_unsupported_method(backend: Backend, callee: Callee, room_name: str) -> None:
    error = await failure(backend, room_name, "nobody registered this")
    assert refusal(error) == (400, "invalid_argument", "RpcError 1400: Method not supported at destination")


async def test_response_timeout(backend: Backend, callee: Callee, room_name: str) -> None:
    started = time.monotonic()
    error = await failure(backend, room_name, "wait", timeout_ms=400)
    assert time.monotonic() - started < ANNOUNCED_WITHIN
    assert refusal(error)[:2] == (408, "canceled")
    assert refusal(error)[2].startswith("RpcError 1502: Response timeout")
    await asyncio.wait_for(callee.cancelled.wait(), ANNOUNCED_WITHIN)


async def test_callee_leaves(backend: Backend, callee: Callee, room_name: str) -> None:
    call = asyncio.ensure_future(failure(backend, room_name, "wait", timeout_ms=4_000))
    await callee.started.wait()
    await callee.room.disconnect()
    status, code, _ = refusal(await call)
    assert (status, code) in ((503, "unavailable"), (404, "not_found"))


async def test_request_without_a_destination(backend: Backend, callee: Callee, room_name: str) -> None:
    with pytest.raises(ServerError) as failed:
        await backend.perform_rpc(room_name, "", "describe")
    assert refusal(failed.value) == (400, "invalid_argument", "destination identity is required")


async def test_concurrent_calls(backend: Backend, callee: Callee, room_name: str) -> None:
    calls = [backend.perform_rpc(room_name, "callee", "describe", str(number)) for number in range(50)]
    assert [json.loads(answer)[0] for answer in await asyncio.gather(*calls)] == [str(number) for number in range(50)]


@embedded_only
async def test_missing_callee(backend: Backend, callee: Callee, room_name: str) -> None:
    with pytest.raises(ServerError) as failed:
        await backend.perform_rpc(room_name, "nobody", "describe")
    assert refusal(failed.value) == (404, "not_found", "RpcError 1401: Recipient not found")
    assert failed.value.metadata == {"code": "1401", "message": "Recipient not found"}
    with pytest.raises(ServerError) as failed:
        await backend.perform_rpc("no room", "nobody", "describe")
    assert refusal(failed.value) == (404, "not_found", "requested room does not exist")


@embedded_only
async def test_long_payloads_in_both_directions(backend: Backend, callee: Callee, room_name: str) -> None:
    long = "é" * MAX_V1_PAYLOAD_BYTES
    assert json.loads(await backend.perform_rpc(room_name, "callee", "describe", long))[0] == long
    assert await backend.perform_rpc(room_name, "callee", "repeat", "100000") == "é" * 100_000
    error = await failure(backend, room_name, "describe", "x" * (RpcOptions().max_payload_size or 0) + "x")
    assert refusal(error)[:2] == (400, "invalid_argument")
    assert error.metadata["code"] == "1402"
    error = await failure(backend, room_name, "repeat", "200000")
    assert refusal(error)[:2] == (500, "internal")
    assert error.metadata["code"] == "1504"


@embedded_only
async def test_timeout_header_of_the_go_sdk(backend: Backend, callee: Callee, room_name: str) -> None:
    request = room_pb.PerformRpcRequest(room=room_name, destination_identity="callee", method="wait")
    token = backend.token(room_admin=True, room=room_name)
    answer = await backend.post(
        SERVICE + "PerformRpc", request.SerializeToString(), token=token, headers={TIMEOUT_HEADER: "300"}
    )
    assert answer.error[:2] == (408, "deadline_exceeded")
    await asyncio.wait_for(callee.cancelled.wait(), ANNOUNCED_WITHIN)


@embedded_only
async def test_disconnected_backend_cancels_the_call(backend: Backend, callee: Callee, room_name: str) -> None:
    """The callee's handler is cancelled if its client supports that"""
    call = asyncio.ensure_future(backend.perform_rpc(room_name, "callee", "wait", timeout_ms=60_000))
    await callee.started.wait()
    call.cancel()
    await asyncio.wait_for(callee.cancelled.wait(), ANNOUNCED_WITHIN)


@embedded_only
async def test_call_limit(backend: Backend, callee: Callee, room_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BACKEND_CALLS", 1)
    first = asyncio.ensure_future(failure(backend, room_name, "wait", timeout_ms=1_000))
    await callee.started.wait()
    assert refusal(await failure(backend, room_name, "describe"))[:2] == (429, "resource_exhausted")
    assert refusal(await first)[1] == "canceled"
    assert json.loads(await backend.perform_rpc(room_name, "callee", "describe"))[0] == ""


@embedded_only
async def test_callee_without_data_permission(backend: Backend, join: Join, room_name: str) -> None:
    _ = Callee(await join("callee", can_publish_data=False))
    error = await failure(backend, room_name, "describe")
    assert refusal(error)[:2] == (500, "internal")
    assert error.metadata["code"] == "1505"


async def test_hidden_callee_responds(backend: Backend, join: Join, room_name: str) -> None:
    _ = Callee(await join("callee", hidden=True))
    await backend.reach(room_name, "callee", "describe")
    assert json.loads(await backend.perform_rpc(room_name, "callee", "describe", "x"))[0] == "x"


@embedded_only
@pytest.mark.parametrize("size", [1, MAX_V1_PAYLOAD_BYTES + 1])
async def test_callee_in_an_encrypted_room(backend: Backend, join: Join, room_name: str, size: int) -> None:
    """The server cannot encrypt its packets: an option makes clients accept them"""
    encryption = E2EEOptions(KeyProviderOptions(shared_key=b"secret"))
    rpc = RpcOptions(accept_server_calls=True)
    _ = Callee(await join("callee", options=RoomOptions(encryption=encryption, rpc=rpc)))
    assert json.loads(await backend.perform_rpc(room_name, "callee", "describe", "x" * size))[0] == "x" * size


async def test_call_leaves_nothing_behind() -> None:
    """Not even if the response arrives too late"""
    async with (
        DevServer(port=0) as server,
        open_client(server, "callee") as client,
        aiohttp.ClientSession() as http,
    ):
        backend = Backend(http, RunningServer(server.url, server.api_key, server.api_secret))
        call = asyncio.ensure_future(failure(backend, "demo", "any", timeout_ms=200))
        request, reliable = await client.next_packet()
        assert reliable
        caller = request.participant_identity
        room = server.rooms.get("demo")
        assert room is not None
        assert list(room.backend_receivers) == [caller]
        assert refusal(await call)[1] == "canceled"
        assert not room.backend_receivers
        for answer in (
            models.DataPacket(rpc_ack=models.RpcAck(request_id=caller)),
            models.DataPacket(rpc_response=models.RpcResponse(request_id=caller, payload="late")),
        ):
            answer.destination_identities.append(caller)
            client.send(answer)
        client.send(models.DataPacket(user=models.UserPacket(payload=b"x", destination_identities=["callee"])))
        assert "callee" in room.participants
