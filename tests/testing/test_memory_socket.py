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


async def test_messages_arrive_in_order(clock: VirtualClock) -> None:
    local, remote = pair(Faults(delay=0.1, jitter=0.5))
    for number in range(10):
        await local.send_bytes(bytes([number]))
    assert [(await remote.receive()).data for _ in range(10)] == [bytes([number]) for number in range(10)]


async def test_sent_messages_arrive_before_the_close(clock: VirtualClock) -> None:
    local, remote = pair()
    await local.send_bytes(b"last words")
    assert await local.close()
    assert not await local.close()
    assert [message.data async for message in remote] == [b"last words"]
    assert remote.closed
    assert (local.close_code, remote.close_code) == (1000, 1000)


async def test_a_reset_drops_messages_in_flight(clock: VirtualClock) -> None:
    local, remote = pair(Faults(delay=1.0))
    await local.send_bytes(b"lost")
    local.reset()
    remote.reset()
    for socket in (local, remote):
        assert (await socket.receive()).type is WSMsgType.CLOSED
        assert socket.close_code == 1006
        assert socket.exception() is None


async def test_closing_ends_a_pending_receive(clock: VirtualClock) -> None:
    local, _ = pair()
    waiting = asyncio.ensure_future(local.receive())
    await asyncio.sleep(1)
    await local.close()
    assert (await waiting).type is WSMsgType.CLOSED


async def test_nothing_is_sent_after_the_close(clock: VirtualClock) -> None:
    local, remote = pair()
    await local.close()
    with pytest.raises(ConnectionResetError):
        await local.send_bytes(b"too late")
    local.send_now(b"too late")
    assert [message.data async for message in remote] == []


async def test_the_filter_changes_and_drops_messages(clock: VirtualClock) -> None:
    local, remote = pair()
    local.filter = lambda data: None if data == b"drop" else data.upper()
    for data in (b"drop", b"keep"):
        await local.send_bytes(data)
    local.send_now(b"unfiltered")
    await local.close()
    assert [message.data async for message in remote] == [b"KEEP", b"unfiltered"]
