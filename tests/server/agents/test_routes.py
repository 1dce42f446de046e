"""Workers over WebSockets, and dispatch with the official SDKs."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from livekit import Room, RpcInvocationData
from livekit.api import LiveKitAPI
from livekit.api.twirp_client import TwirpError
from livekit.protocol import agent
from livekit.protocol.agent_dispatch import CreateAgentDispatchRequest
from livekit.server import DevServer, RoomSettings
from livekit.server.agents import routes
from tests.server.client import PATIENCE, http_url

CALL = """
import { AgentDispatchClient } from "livekit-server-sdk";
const client = new AgentDispatchClient(process.argv[1], "devkey", "secret");
const made = await client.createDispatch("demo", "helper", { metadata: "from node" });
const found = await client.listDispatch("demo");
await client.deleteDispatch(made.id, "demo");
const left = await client.listDispatch("demo");
console.log(JSON.stringify([made.metadata, found.map((one) => one.agentName), left.length]));
"""


class WireWorker:
    """A minimal worker on a WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket

    async def say(self, message: agent.WorkerMessage) -> None:
        await self._socket.send_bytes(message.SerializeToString())

    async def next(self) -> agent.ServerMessage | None:
        """Return the next message; None at the end."""
        message = await asyncio.wait_for(self._socket.receive(), PATIENCE)
        return agent.ServerMessage.FromString(message.data) if message.type is aiohttp.WSMsgType.BINARY else None

    async def next_of(self, kind: str) -> agent.ServerMessage:
        message = await self.next()
        assert message is not None
        assert message.WhichOneof("message") == kind
        return message

    async def register(self, name: str = "") -> str:
        """Register and return the worker ID."""
        await self.say(agent.WorkerMessage(register=agent.RegisterWorkerRequest(agent_name=name)))
        return (await self.next_of("register")).register.worker_id

    async def accept(self, identity: str = "agent") -> agent.JobAssignment:
        """Wait for a job and accept it."""
        job = (await self.next_of("availability")).availability.job
        answer = agent.AvailabilityResponse(job_id=job.id, available=True, participant_identity=identity)
        await self.say(agent.WorkerMessage(availability=answer))
        return (await self.next_of("assignment")).assignment


@asynccontextmanager
async def worker(server: DevServer, *, token: str | None = None) -> AsyncGenerator[WireWorker]:
    grants = token or server.token("", room_join=None, agent=True)
    async with aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {grants}"}
        async with http.ws_connect(http_url(server, "/agent"), headers=headers) as socket:
            yield WireWorker(socket)


@asynccontextmanager
async def backend(server: DevServer) -> AsyncGenerator[LiveKitAPI]:
    async with LiveKitAPI(http_url(server, ""), server.api_key, server.api_secret) as api:
        yield api


async def test_agent_joins_and_responds_to_calls() -> None:
    alice, helper = Room(), Room()
    async with DevServer(port=0, room_settings=RoomSettings(departure_timeout=0)) as server, worker(server) as wire:
        await wire.register()
        await alice.connect(server.url, server.token("alice", room="demo"))
        assignment = await wire.accept()
        await helper.connect(server.url, assignment.token)

        @helper.local_participant.register_rpc_method("ask")
        async def ask(data: RpcInvocationData) -> str:
            return f"{data.caller_identity}?"

        answer = await alice.local_participant.perform_rpc(destination_identity="agent", method="ask", payload="")
        assert answer == "alice?"
        await alice.disconnect()
        assert (await wire.next_of("termination")).termination.job_id == assignment.job.id
        await helper.disconnect()


async def test_python_sdk_dispatches_agents(server: DevServer) -> None:
    async with worker(server) as wire, backend(server) as api:
        await wire.register("helper")
        request = CreateAgentDispatchRequest(agent_name="helper", room="demo", metadata="why")
        made = await api.agent_dispatch.create_dispatch(request)
        assert (await wire.accept()).job.metadata == "why"
        found = await api.agent_dispatch.get_dispatch(made.id, "demo")
        assert found is not None
        [job] = found.state.jobs
        assert (job.state.status, job.state.participant_identity) == (agent.JS_RUNNING, "agent")
        names = [dispatch.agent_name for dispatch in await api.agent_dispatch.list_dispatch("demo")]
        assert sorted(names) == ["", "helper"]
        deleted = await api.agent_dispatch.delete_dispatch(made.id, "demo")
        assert deleted.id == made.id
        assert (await wire.next_of("termination")).termination.job_id == job.id
        with pytest.raises(TwirpError, match="dispatch ID not found") as caught:
            await api.agent_dispatch.delete_dispatch(made.id, "demo")
        assert (caught.value.code, caught.value.status) == ("not_found", 404)
        with pytest.raises(TwirpError, match="requested room does not exist"):
            await api.agent_dispatch.list_dispatch("elsewhere")


async def test_dispatch_needs_room_admin(server: DevServer) -> None:
    url = http_url(server, "/twirp/livekit.AgentDispatchService/CreateDispatch")
    async with aiohttp.ClientSession() as http:
        for token in (server.token("a", room="demo"), server.token("a", room="other", room_admin=True)):
            headers = {"Authorization": f"Bearer {token}"}
            async with http.post(url, json={"room": "demo", "agent_name": "helper"}, headers=headers) as response:
                assert response.status == 401
    assert server.rooms.rooms == []


@pytest.mark.peers
async def test_javascript_sdk_dispatches_agents(server: DevServer, js_peers: Path) -> None:
    arguments = ("node", "--input-type=module", "-e", CALL, http_url(server, ""))
    process = await asyncio.create_subprocess_exec(*arguments, cwd=js_peers, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    metadata, names, left = json.loads(out)
    assert (metadata, sorted(names), left) == ("from node", ["", "helper"], 1)


@pytest.mark.parametrize("token", ["a.b.c", None])
async def test_registration_needs_the_agent_grant(server: DevServer, token: str | None) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with worker(server, token=token or server.token("alice", room="demo")):
            pass
    assert caught.value.status == 401


async def test_request_that_is_not_a_websocket(server: DevServer) -> None:
    async with aiohttp.ClientSession() as http, http.get(http_url(server, "/agent")) as response:
        assert response.status == 404


async def test_ping_before_registration(server: DevServer) -> None:
    async with worker(server) as wire:
        await wire.say(agent.WorkerMessage(ping=agent.WorkerPing(timestamp=1)))
        assert (await wire.next_of("pong")).pong.last_timestamp == 1
        assert (await wire.register()).startswith("AW_")


async def test_registration_timeout(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "REGISTER_TIMEOUT", 0.05)
    async with worker(server) as wire:
        assert await wire.next() is None


async def test_registration_for_an_unknown_job_type(server: DevServer) -> None:
    async with worker(server) as wire:
        request = agent.RegisterWorkerRequest.FromString(b"\x08\x09")
        await wire.say(agent.WorkerMessage(register=request))
        assert await wire.next() is None


async def test_stopping_the_server_disconnects_workers() -> None:
    async with DevServer(port=0) as server, worker(server) as wire:
        await wire.register()
        await server.aclose()
        assert await wire.next() is None
