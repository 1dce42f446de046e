"""Participants who hear all tracks of a room. Answers each line with a sample.

Run as ``bench.media.listeners URL TOKENS``.
"""

from __future__ import annotations

import asyncio
import json
import sys

from bench.figures import say
from livekit import AudioStream, RemoteTrack, Room, run
from tools.measurements import process_stats

from .worker import next_line

RATE, FRAME_MS = 16_000, 20
LOUD = 1000


async def main() -> None:
    url, tokens = sys.argv[1:]
    rooms = [Room() for _ in json.loads(tokens)]
    loud = [0] * len(rooms)
    tasks: list[asyncio.Future[None]] = []

    async def listen(track: RemoteTrack, number: int) -> None:
        stream = AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1, frame_size_ms=FRAME_MS)
        async for event in stream:
            loud[number] += max(event.frame.data) > LOUD

    for number, (room, token) in enumerate(zip(rooms, json.loads(tokens), strict=True)):

        def on_track(track: RemoteTrack, *_: object, number: int = number) -> None:
            tasks.append(asyncio.ensure_future(listen(track, number)))

        room.on("track_subscribed", on_track)
        await room.connect(url, token)
    say(ready=True)
    while await next_line():
        say(silent=loud.count(0), **process_stats())
        loud[:] = [0] * len(rooms)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(room.disconnect() for room in rooms))


if __name__ == "__main__":
    run(main())
