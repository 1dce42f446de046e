"""Joins a room, prints "joined" and waits: `python -m tests.reconnect.idle_client URL TOKEN`."""

from __future__ import annotations

import asyncio
import sys

from livekit import Room


async def main(url: str, token: str) -> None:
    room = Room()
    await room.connect(url, token)
    sys.stdout.write("joined\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
