"""Joining and leaving again and again, also half-way, leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from random import Random

import pytest

from livekit import ConnectError, Room
from livekit.participant import LocalParticipant
from livekit.server import DevServer
from livekit.server.connection import Connection
from livekit.session.webrtc_session import WebRtcSession
from livekit.webrtc.transport import DataTransport
from tests.support.leaks import Resources

KINDS = (Room, LocalParticipant, WebRtcSession, DataTransport, Connection)
WARM_UP = 20
"""Cycles until what is made once has been made."""
MAX_GROWTH = 8 << 20
"""Bytes that the process may grow by, of client and server together; what is not given back to the system counts."""
PAGE = 4096


def alive() -> list[str]:
    """What there is of a connection in memory."""
    gc.collect()
    return [type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, KINDS)]


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def cycle(server: DevServer, number: int) -> None:
    room = Room()
    await room.connect(server.url, server.token(f"guest-{number}", room="cycles"))
    await room.disconnect()


async def cancelled_cycle(server: DevServer, number: int, moment: float) -> None:
    room = Room()
    connecting = asyncio.ensure_future(room.connect(server.url, server.token(f"guest-{number}", room="cycles")))
    await asyncio.wait({connecting}, timeout=moment)
    connecting.cancel()
    await asyncio.wait({connecting})
    assert connecting.cancelled() or connecting.exception() is None or isinstance(connecting.exception(), ConnectError)
    await room.disconnect()


async def settled(server: DevServer, before: Resources) -> None:
    """Wait until the server has noticed who is gone."""
    for _ in range(100):
        if not server.rooms.rooms:
            break
        await asyncio.sleep(0.1)
    await before.assert_restored()


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize(
    "cycles", [WARM_UP + 10, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_joining_and_leaving(cycles: int) -> None:
    async with DevServer(port=0) as server:
        before = Resources.now()
        for number in range(WARM_UP):
            await cycle(server, number)
        await settled(server, before)
        kept, size = alive(), resident()
        for number in range(WARM_UP, cycles):
            await cycle(server, number)
        await settled(server, before)
        assert alive() == kept
        assert resident() - size <= MAX_GROWTH


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("cycles", [20, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_connects_that_are_cancelled_at_any_moment(cycles: int) -> None:
    random = Random(cycles)
    async with DevServer(port=0) as server:
        before = Resources.now()
        kept = alive()
        for number in range(cycles):
            await cancelled_cycle(server, number, random.random() * 0.1)
        await settled(server, before)
        assert alive() == kept
