"""Whatever is cancelled, a room is either in or out: connected and answering, or gone from the server."""

from __future__ import annotations

import asyncio

import pytest

from livekit import Room, RpcError, RpcInvocationData
from livekit.testing import MemoryRoom, VirtualClock

MAX_STEPS = 500
"""Iterations of the event loop that no operation of these tests takes."""


async def assert_in_or_out(memory: MemoryRoom, room: Room, other: Room) -> None:
    if room.isconnected():
        answer = await other.local_participant.perform_rpc(destination_identity="alice", method="greet", payload="")
        assert answer == "hello"
        return
    await asyncio.sleep(1.5)
    with pytest.raises(KeyError):
        memory._server.find("alice")
    assert "alice" not in other.remote_participants


@pytest.mark.parametrize("operation", ["connect", "disconnect"])
async def test_cancelled_at_each_step(operation: str) -> None:
    with VirtualClock():
        for step in range(MAX_STEPS):
            async with MemoryRoom() as memory:
                other, room = await memory.join("bob"), Room()
                room.register_rpc_method("greet", lambda invocation: "hello")
                tasks = asyncio.all_tasks()
                work = room.connect(memory.url, memory.token("alice"))
                if operation == "disconnect":
                    await work
                    await memory.wait_for(other, "alice")
                    work = room.disconnect()
                task = asyncio.ensure_future(work)
                for _ in range(step):
                    await asyncio.sleep(0)
                ended = task.done()
                task.cancel()
                await asyncio.wait({task})
                assert step == 0 or operation == "connect" or not room.isconnected()
                await assert_in_or_out(memory, room, other)
                await room.disconnect()
                await asyncio.sleep(5)
                left = {one for one in asyncio.all_tasks() - tasks if one.get_name().startswith("livekit")}
                assert not left
            if ended:
                return
    pytest.fail("never ended")


@pytest.mark.parametrize("timeout", [0.001, 8.0])
async def test_a_handler_that_disconnects_its_room_with_a_timeout(timeout: float) -> None:
    with VirtualClock() as clock:
        async with MemoryRoom() as memory:
            alice, bob = await memory.pair()
            ended: list[str] = []

            async def leave(invocation: RpcInvocationData) -> str:
                try:
                    await asyncio.wait_for(bob.disconnect(), timeout)
                    ended.append("left")
                except asyncio.TimeoutError:
                    ended.append("timed out")
                return "too late"

            bob.register_rpc_method("leave", leave)
            started = clock.elapsed
            with pytest.raises(RpcError) as caught:
                await alice.local_participant.perform_rpc(destination_identity="bob", method="leave", payload="")
            assert caught.value.code == RpcError.ErrorCode.RECIPIENT_DISCONNECTED
            assert clock.elapsed - started < 0.5
            await asyncio.sleep(5)
            assert not bob.isconnected()
            assert "bob" not in alice.remote_participants
            assert ended == (["left"] if timeout == 8.0 else ended)


async def test_a_cancelled_disconnect_leaves_at_once_although_a_handler_is_slow_to_stop() -> None:
    with VirtualClock():
        async with MemoryRoom() as memory:
            alice, bob = await memory.pair()
            running = asyncio.Event()

            async def stubborn(invocation: RpcInvocationData) -> str:
                running.set()
                try:
                    await asyncio.sleep(100)
                finally:
                    await asyncio.sleep(1)
                return ""

            bob.register_rpc_method("stubborn", stubborn)
            call = asyncio.ensure_future(
                alice.local_participant.perform_rpc(destination_identity="bob", method="stubborn", payload="")
            )
            await running.wait()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(bob.disconnect(), 0.1)
            assert not bob.isconnected()
            with pytest.raises(RpcError):
                await call
            await bob.connect(memory.url, memory.token("bob"))
            assert bob.isconnected()
            await bob.disconnect()
            await asyncio.sleep(5)
