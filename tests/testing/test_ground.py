from __future__ import annotations

import asyncio

import pytest

from livekit import Room, RpcInvocationData
from livekit.testing import Ground, MemoryRoom, RunningServer, ServerThread
from tests.grounds import MEMORY_LATE


async def test_a_call_on_every_ground(ground: Ground) -> None:
    """Two participants meet and one calls the other."""
    bob = await ground.join("bob")

    async def greet(invocation: RpcInvocationData) -> str:
        return f"hello {invocation.caller_identity}"

    bob.local_participant.register_rpc_method("greet", greet)
    alice = await ground.join("alice")
    answer = await alice.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
    assert answer == "hello alice"
    assert alice.name == ground.room


async def test_a_pair_on_every_ground(ground: Ground) -> None:
    alice, bob = await ground.pair("carol", "dave")
    assert list(alice.remote_participants) == ["dave"]
    assert list(bob.remote_participants) == ["carol"]


async def test_the_clock_is_virtual_in_memory(ground: Ground) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    await asyncio.sleep(30 if ground.virtual else 0)
    assert (loop.time() - before >= 30) == ground.virtual


@pytest.mark.parametrize("ground", [MEMORY_LATE], indirect=True)
async def test_a_ground_that_announces_late(ground: Ground) -> None:
    alice = await ground.join("alice")
    await ground.join("bob")
    assert not ground.announces_joins
    assert not alice.remote_participants
    await ground.wait_for(alice, "bob")


async def test_every_ground_has_a_room_of_its_own() -> None:
    async with MemoryRoom() as memory, Ground("memory", memory) as one, Ground("memory", memory) as other:
        assert one.room != other.room
        await one.join("alice")
        assert not (await other.join("bob")).remote_participants
        assert one.memory is memory
        assert one.room in repr(one)


async def test_the_context_disconnects() -> None:
    async with MemoryRoom() as memory:
        async with Ground("memory", memory) as ground:
            alice = await ground.join("alice")
            bob = (await ground.stub("bob")).room
        assert not alice.isconnected()
        assert not bob.isconnected()


def test_faults_are_for_memory_only() -> None:
    ground = Ground("server", RunningServer("ws://127.0.0.1:7880", "key", "secret"))
    with pytest.raises(TypeError, match="this ground is server"):
        _ = ground.memory


class TestRunningServer:
    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (("URL", "ws://example"), ("API_KEY", "key"), ("API_SECRET", "hidden")):
            monkeypatch.setenv(f"LIVEKIT_{name}", value)
        server = RunningServer.from_environment()
        assert server == RunningServer("ws://example", "key", "hidden")
        assert "hidden" not in repr(server)
        assert RunningServer.from_environment("ws://other") == RunningServer("ws://other", "key", "hidden")

    def test_development_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("URL", "API_KEY", "API_SECRET"):
            monkeypatch.delenv(f"LIVEKIT_{name}", raising=False)
        assert RunningServer.from_environment() is None
        assert RunningServer.from_environment("ws://x") == RunningServer("ws://x", "devkey", "secret")


async def test_a_server_in_a_thread() -> None:
    """It has its own event loop; its tokens are those of any server with its key."""
    with ServerThread() as server:
        running = RunningServer(server.url, server.api_key, server.api_secret)
        for make_token in (server.token, running.token):
            async with Room() as room:
                await room.connect(server.url, make_token("alice", room="demo", name="Alice"))
                assert room.name == "demo"
                assert room.local_participant.name == "Alice"
