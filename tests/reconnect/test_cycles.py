"""Repeated joining and leaving, even if cancelled midway, leaks nothing."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from livekit import ConnectError, Room
from livekit.engine.rtc_engine import RtcEngine
from livekit.local_participant import LocalParticipant
from livekit.server import DevServer
from livekit.server.connection import Connection
from livekit.webrtc.transport import PeerTransport
from tests.support.leaks import Resources

CLASSES = (Room, LocalParticipant, RtcEngine, PeerTransport, Connection)
WARM_UP = 20
"""Cycles until everything allocated only once has been allocated."""
MAX_GROWTH = 8 << 20
"""Bytes by which the resident set may grow, client and server together, including memory the allocator keeps."""
PAGE = 4096
DETECTION_TIMEOUT = 20.0
"""Seconds, even on a busy machine."""


def alive() -> Counter[str]:
    """Count the live objects of connections by class."""
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects() if issubclass(type(thing), CLASSES))


def resident() -> int:
    """Return the resident set size of this process in bytes."""
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
    """Wait until the server has removed all participants and resources are released."""
    await wait_until(lambda: not any(room.participants for room in server.rooms.rooms))
    await before.assert_restored()


async def nothing_more_than(kept: Counter[str]) -> None:
    """Check that no objects were added; objects of earlier tests may have been collected."""
    await wait_until(lambda: alive() <= kept)
    assert alive() <= kept


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true, up to `DETECTION_TIMEOUT` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + DETECTION_TIMEOUT
    while not condition() and loop.time() < until:  # noqa: ASYNC110  # nothing to wait for
        await asyncio.sleep(0.1)


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize(
    "cycles", [WARM_UP + 10, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_joining_and_leaving_leaks_nothing(cycles: int) -> None:
    async with DevServer(port=0) as server:
        before = Resources.now()
        for number in range(WARM_UP):
            await cycle(server, number)
        await settled(server, before)
        kept, size = alive(), resident()
        for number in range(WARM_UP, cycles):
            await cycle(server, number)
        await settled(server, before)
        await nothing_more_than(kept)
        assert resident() - size <= MAX_GROWTH


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("cycles", [20, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_cancelled_connects_leak_nothing(cycles: int) -> None:
    random = Random(cycles)
    async with DevServer(port=0) as server:
        before = Resources.now()
        kept = alive()
        for number in range(cycles):
            await cancelled_cycle(server, number, random.random() * 0.1)
        await settled(server, before)
        await nothing_more_than(kept)
