"""Use of a room from another thread or event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest

from livekit import DataTrackFrame, Room, SimulateScenarioKind
from livekit.backend import Backend
from livekit.data.errors import PublishDataError
from livekit.errors import EventLoopError
from livekit.protocol import models
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


class Parts:
    """What a pair of participants holds: streams and data tracks in both directions."""

    def __init__(self, memory: MemoryRoom, room: Room) -> None:
        self.memory = memory
        self.room = room
        self.writer: Any = None
        self.reader: Any = None
        self.track: Any = None
        self.remote_track: Any = None
        self.frames: Any = None
        self.events: Any = room.events()

    @classmethod
    async def create(cls, memory: MemoryRoom) -> Parts:
        alice, bob = await memory.pair()
        parts = cls(memory, alice)
        readers: asyncio.Queue[Any] = asyncio.Queue()
        tracks: asyncio.Queue[Any] = asyncio.Queue()
        bob.register_text_stream_handler("topic", lambda reader, sender: readers.put_nowait(reader))
        bob.on("data_track_published", tracks.put_nowait)
        parts.writer = await alice.local_participant.stream_text(topic="topic")
        parts.reader = await readers.get()
        parts.track = await alice.local_participant.publish_data_track(name="track")
        parts.remote_track = await tracks.get()
        parts.frames = parts.remote_track.subscribe()
        return parts


PARTS: dict[str, Callable[[Parts], Any]] = {
    "writer.write": lambda parts: parts.writer.write("text"),
    "writer.aclose": lambda parts: parts.writer.aclose(),
    "reader.read_all": lambda parts: parts.reader.read_all(),
    "reader.close": lambda parts: parts.reader.close(),
    "reader.aclose": lambda parts: parts.reader.aclose(),
    "LocalDataTrack.try_push": lambda parts: parts.track.try_push(DataTrackFrame(b"")),
    "LocalDataTrack.unpublish": lambda parts: parts.track.unpublish(),
    "RemoteDataTrack.subscribe": lambda parts: parts.remote_track.subscribe(),
    "DataTrackStream.read": lambda parts: parts.frames.read(),
    "async for frame": lambda parts: parts.frames.__anext__(),
    "DataTrackStream.close": lambda parts: parts.frames.close(),
    "DataTrackStream.aclose": lambda parts: parts.frames.aclose(),
    "async for event": lambda parts: parts.events.__anext__(),
    "async for event of an iterator made there": lambda parts: parts.room.events().__anext__(),
    "MemoryRoom.lose_signal": lambda parts: parts.memory.lose_signal("alice"),
    "MemoryRoom.lose_transport": lambda parts: parts.memory.lose_transport("alice"),
    "MemoryRoom.hold": lambda parts: parts.memory.hold("alice"),
    "MemoryRoom.release": lambda parts: parts.memory.release("alice"),
    "MemoryRoom.restart": lambda parts: parts.memory.restart(),
    "MemoryRoom.shut_down": lambda parts: parts.memory.shut_down(),
    "MemoryRoom.remove": lambda parts: parts.memory.remove("alice"),
    "MemoryRoom.set_permission": lambda parts: parts.memory.set_permission("alice", hidden=True),
    "MemoryRoom.inject": lambda parts: parts.memory.inject("alice", models.DataPacket()),
    "MemoryRoom.rooms": lambda parts: parts.memory.rooms,
    "MemoryRoom.join": lambda parts: parts.memory.join("carol"),
    "MemoryRoom.stub": lambda parts: parts.memory.stub("carol"),
    "MemoryRoom.pair": lambda parts: parts.memory.pair("carol", "dave"),
    "MemoryRoom.wait_for": lambda parts: parts.memory.wait_for(parts.room, "carol"),
    "MemoryRoom.aclose": lambda parts: parts.memory.aclose(),
}


@pytest.mark.parametrize("name", PARTS)
async def test_parts_of_a_room_used_in_another_thread_raise_and_say_what_to_use(name: str) -> None:
    async with MemoryRoom() as memory:
        parts = await Parts.create(memory)

        async def use() -> None:
            result = PARTS[name](parts)
            if asyncio.iscoroutine(result):
                await result

        with pytest.raises(EventLoopError, match="run_coroutine_threadsafe"):
            await asyncio.to_thread(asyncio.run, use())
        assert parts.room.isconnected()


async def test_backend_with_a_session_of_another_loop_raises_and_says_what_to_use() -> None:
    async with DevServer(port=0) as server, aiohttp.ClientSession() as session:
        backend = Backend(server.url, server.api_key, server.api_secret, session=session)
        call: dict[str, Any] = {"room": "r", "destination_identity": "bob", "method": "m", "payload": ""}
        with pytest.raises(EventLoopError, match=r"the session of this Backend.*run_coroutine_threadsafe"):
            await asyncio.to_thread(lambda: asyncio.run(backend.perform_rpc(**call)))
        with pytest.raises(RpcError) as caught:
            await asyncio.to_thread(backend.perform_rpc_sync, **call)
        assert caught.value.code == RpcError.ErrorCode.RECIPIENT_NOT_FOUND


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
