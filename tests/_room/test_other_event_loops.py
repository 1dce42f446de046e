"""Use of a room from another thread or event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from livekit import Room, SimulateScenarioKind
from livekit.data.errors import PublishDataError
from livekit.errors import EventLoopError
from livekit.rpc import RpcError
from livekit.server import DevServer
from livekit.testing import MemoryRoom

Use = Callable[[Room], Coroutine[Any, Any, object]]

USES: dict[str, Use] = {
    "perform_rpc": lambda room: room.local_participant.perform_rpc(
        destination_identity="bob", method="greet", payload=""
    ),
    "publish_data": lambda room: room.local_participant.publish_data(b""),
    "send_text": lambda room: room.local_participant.send_text("text"),
    "stream_bytes": lambda room: room.local_participant.stream_bytes("name"),
    "set_name": lambda room: room.local_participant.set_name("name"),
    "publish_data_track": lambda room: room.local_participant.publish_data_track(name="track"),
    "disconnect": lambda room: room.disconnect(),
    "get_rtc_stats": lambda room: room.get_rtc_stats(),
    "simulate_scenario": lambda room: room.simulate_scenario(SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT),
}


@pytest.mark.parametrize("name", USES)
async def test_coroutines_in_another_thread_raise_and_say_what_to_use(name: str) -> None:
    async with MemoryRoom() as memory:
        alice, bob = await memory.pair()
        bob.register_rpc_method("greet", lambda invocation: "hello")

        async def use() -> object:
            return await USES[name](alice)

        with pytest.raises(EventLoopError, match="run_coroutine_threadsafe"):
            await asyncio.to_thread(asyncio.run, use())
        loop = asyncio.get_running_loop()
        if name == "perform_rpc":
            work: Any = USES[name](alice)
            answer = await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(work, loop).result(10))
            assert answer == "hello"


async def test_streams_in_another_thread_raise() -> None:
    async with MemoryRoom() as memory:
        alice, bob = await memory.pair()
        readers: asyncio.Queue[Any] = asyncio.Queue()
        bob.register_text_stream_handler("topic", lambda reader, sender: readers.put_nowait(reader))
        writer = await alice.local_participant.stream_text(topic="topic")
        reader = await readers.get()
        for work in (writer.write("text"), writer.aclose(), reader.read_all()):
            with pytest.raises(EventLoopError, match="run_coroutine_threadsafe"):
                await asyncio.to_thread(asyncio.run, work)


def test_a_room_is_disconnected_once_its_loop_is_closed_and_can_connect_on_another(
    recwarn: pytest.WarningsRecorder,
) -> None:
    memory, room = MemoryRoom(), Room()

    async def connect() -> None:
        await room.connect(memory.url, memory.token("alice"))
        assert room.isconnected()

    async def use() -> None:
        assert not room.isconnected()
        with pytest.raises(PublishDataError, match="not connected"):
            await room.local_participant.publish_data(b"")
        with pytest.raises(RpcError):
            await room.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
        await room.disconnect()
        await connect()
        await room.disconnect()
        await memory.aclose()

    asyncio.run(connect())
    asyncio.run(use())
    assert {warning.category for warning in recwarn} <= {ResourceWarning}


async def test_servers_in_another_thread_raise() -> None:
    async with DevServer(port=0) as server, MemoryRoom() as memory:
        await memory.join("alice")
        for close in (server.aclose, memory.aclose):
            with pytest.raises(EventLoopError, match="run_coroutine_threadsafe"):
                await asyncio.to_thread(lambda close=close: asyncio.run(close()))  # type: ignore[misc]
        await asyncio.sleep(0)
