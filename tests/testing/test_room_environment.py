from __future__ import annotations

import asyncio

import pytest

from livekit import Room, RpcInvocationData
from livekit.testing import MemoryRoom, RoomEnvironment, RunningServer, ServerThread
from tests.environments import MEMORY_LATE


async def test_a_call_on_every_environment(environment: RoomEnvironment) -> None:
    """Alice calls Bob."""
    bob = await environment.join("bob")

    async def greet(invocation: RpcInvocationData) -> str:
        return f"hello {invocation.caller_identity}"

    bob.local_participant.register_rpc_method("greet", greet)
    alice = await environment.join("alice")
    answer = await alice.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
    assert answer == "hello alice"
    assert alice.name == environment.room


async def test_pair_in_every_environment(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair("carol", "dave")
    assert list(alice.remote_participants) == ["dave"]
    assert list(bob.remote_participants) == ["carol"]


async def test_time_is_virtual_in_memory_only(environment: RoomEnvironment) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    await asyncio.sleep(30 if environment.virtual else 0)
    assert (loop.time() - before >= 30) == environment.virtual


@pytest.mark.parametrize("environment", [MEMORY_LATE], indirect=True)
async def test_late_announcements_are_awaited(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    await environment.join("bob")
    assert not environment.announces_joins
    assert not alice.remote_participants
    await environment.wait_for(alice, "bob")


async def test_environments_of_one_memory_room_are_separate() -> None:
    async with (
        MemoryRoom() as memory,
        RoomEnvironment("memory", memory) as one,
        RoomEnvironment("memory", memory) as other,
    ):
        assert one.room != other.room
        await one.join("alice")
        assert not (await other.join("bob")).remote_participants
        assert one.memory is memory
        assert one.room in repr(one)


async def test_leaving_the_context_disconnects_its_rooms() -> None:
    async with MemoryRoom() as memory:
        async with RoomEnvironment("memory", memory) as environment:
            alice = await environment.join("alice")
            bob = (await environment.stub("bob")).room
        assert not alice.isconnected()
        assert not bob.isconnected()


def test_memory_raises_type_error_in_other_environments() -> None:
    environment = RoomEnvironment("server", RunningServer("ws://127.0.0.1:7880", "key", "secret"))
    with pytest.raises(TypeError, match="this environment is server"):
        _ = environment.memory


class TestRunningServer:
    def test_settings_from_environment_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (("URL", "ws://example"), ("API_KEY", "key"), ("API_SECRET", "hidden")):
            monkeypatch.setenv(f"LIVEKIT_{name}", value)
        server = RunningServer.from_environment()
        assert server == RunningServer("ws://example", "key", "hidden")
        assert "hidden" not in repr(server)
        assert RunningServer.from_environment("ws://other") == RunningServer("ws://other", "key", "hidden")

    def test_development_keys_are_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("URL", "API_KEY", "API_SECRET"):
            monkeypatch.delenv(f"LIVEKIT_{name}", raising=False)
        assert RunningServer.from_environment() is None
        assert RunningServer.from_environment("ws://x") == RunningServer("ws://x", "devkey", "secret")


async def test_a_server_in_a_thread_accepts_tokens_with_its_key() -> None:
    """The server runs in an event loop of its own."""
    with ServerThread() as server:
        running = RunningServer(server.url, server.api_key, server.api_secret)
        for make_token in (server.token, running.token):
            async with Room() as room:
                await room.connect(server.url, make_token("alice", room="demo", name="Alice"))
                assert room.name == "demo"
                assert room.local_participant.name == "Alice"
