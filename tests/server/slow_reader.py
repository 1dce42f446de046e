"""A participant that reports on stdout when it has joined, and stays: `python slow_reader.py URL TOKEN`."""

from __future__ import annotations

import asyncio
import sys

from livekit import Room


async def main(url: str, token: str) -> None:
    room = Room()
    await room.connect(url, token)
    sys.stdout.write("in the room\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], sys.argv[2]))
