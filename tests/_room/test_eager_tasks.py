"""Rooms under `asyncio.eager_task_factory`, which runs a task's first step inside `create_task`."""

from __future__ import annotations

import asyncio
import sys

import pytest

from livekit import Room
from livekit.server import DevServer
from livekit.testing import MemoryRoom

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 introduced eager tasks")


@pytest.fixture(autouse=True)
async def eager_tasks() -> None:
    if sys.version_info >= (3, 12):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)


async def test_signal_requests_are_answered_in_an_in_memory_room() -> None:
    async with MemoryRoom() as memory:
        alice = await memory.join("alice", can_update_own_metadata=True)
        await alice.local_participant.set_metadata("busy")
        assert alice.local_participant.metadata == "busy"


async def test_signal_requests_are_answered_over_a_websocket() -> None:
    async with DevServer(port=0) as server, Room() as room:
        await room.connect(server.url, server.token("alice", room="room", can_update_own_metadata=True))
        await room.local_participant.set_name("Alice")
        assert room.local_participant.name == "Alice"


async def test_calls_are_answered() -> None:
    async with MemoryRoom() as memory:
        alice, bob = await memory.pair()
        bob.register_rpc_method("greet", lambda invocation: f"hello {invocation.caller_identity}")
        answer = await alice.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
        assert answer == "hello alice"
