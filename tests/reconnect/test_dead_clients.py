"""Detection of a participant whose process is killed."""

from __future__ import annotations

import asyncio
import sys

from livekit import Room
from livekit.server import DevServer
from tests.support.processes import read_until, running
from tests.support.rooms import listed

DETECTION_TIMEOUT = 5.0
OVERHEAD = 5.0
"""Seconds that a busy machine may add."""
CLIENT = (sys.executable, "-m", "tests.reconnect.idle_client")


async def test_killed_client_is_disconnected_for_other_participants() -> None:
    bob, disconnected = Room(), asyncio.Event()
    bob.on("participant_disconnected", lambda _: disconnected.set())
    async with DevServer(port=0) as server:
        await bob.connect(server.url, server.token("bob", room="dead"))
        async with running(*CLIENT, server.url, server.token("alice", room="dead")) as alice:
            await read_until(alice, "joined")
            await listed(bob, "alice")
            alice.kill()
            await asyncio.wait_for(disconnected.wait(), DETECTION_TIMEOUT + OVERHEAD)
        await bob.disconnect()
