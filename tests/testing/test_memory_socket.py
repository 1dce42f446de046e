from __future__ import annotations

import asyncio
from random import Random

import pytest
from aiohttp import WSMsgType

from livekit.testing import Faults, VirtualClock
from livekit.testing.memory_link import MemoryLink
from livekit.testing.memory_socket import MemorySocket, socket_pair


def pair(faults: Faults | None = None) -> tuple[MemorySocket, MemorySocket]:
    return socket_pair(MemoryLink(lambda: faults or Faults(), Random(0)))


async def test_messages_in_order(clock: VirtualClock) -> None:
    near, far = pair(Faults(delay=0.1, jitter=0.5))
    for number in range(10):
        await near.send_bytes(bytes([number]))
    assert [(await far.receive()).data for _ in range(10)] == [bytes([number]) for number in range(10)]


async def test_what_was_sent_arrives_before_the_end(clock: VirtualClock) -> None:
    near, far = pair()
    await near.send_bytes(b"last words")
    assert await near.close()
    assert not await near.close()
    assert [message.data async for message in far] == [b"last words"]
    assert far.closed
    assert (near.close_code, far.close_code) == (1000, 1000)


async def test_a_reset_loses_what_was_on_its_way(clock: VirtualClock) -> None:
    near, far = pair(Faults(delay=1.0))
    await near.send_bytes(b"lost")
    near.reset()
    far.reset()
    for socket in (near, far):
        assert (await socket.receive()).type is WSMsgType.CLOSED
        assert socket.close_code == 1006
        assert socket.exception() is None


async def test_closing_ends_who_waits(clock: VirtualClock) -> None:
    near, _ = pair()
    waiting = asyncio.ensure_future(near.receive())
    await asyncio.sleep(1)
    await near.close()
    assert (await waiting).type is WSMsgType.CLOSED


async def test_nothing_can_be_sent_after_the_end(clock: VirtualClock) -> None:
    near, far = pair()
    await near.close()
    with pytest.raises(ConnectionResetError):
        await near.send_bytes(b"too late")
    near.send_now(b"too late")
    assert [message.data async for message in far] == []


async def test_the_filter(clock: VirtualClock) -> None:
    near, far = pair()
    near.filter = lambda data: None if data == b"drop" else data.upper()
    for data in (b"drop", b"keep"):
        await near.send_bytes(data)
    near.send_now(b"past it")
    await near.close()
    assert [message.data async for message in far] == [b"KEEP", b"past it"]
