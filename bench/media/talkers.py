"""Participants who talk: each publishes the test signal and hears the others. Answers each line with a sample.

Run as ``bench.media.talkers URL TOKENS``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from bench.figures import say
from livekit import AudioSource, AudioStream, RemoteTrack, Room, run
from tools.measurements import process_stats

from .signal import SAMPLE_RATE, Analyser
from .worker import next_line, play, publish_tone

QUEUE, LEAD = 200, 0.1
"""Milliseconds of the queue, and seconds that it is filled: the machine's stalls do not reach the signal."""


async def listen(track: RemoteTrack, analyser: Analyser) -> None:
    async for event in AudioStream.from_track(track=track, sample_rate=SAMPLE_RATE, num_channels=1):
        analyser.push(time.monotonic(), bytes(event.frame.data))
        analyser.changes.clear()


async def main() -> None:
    url, tokens = sys.argv[1:]
    rooms = [Room() for _ in json.loads(tokens)]
    analysers = [Analyser() for _ in rooms]
    stop = asyncio.Event()
    tasks: list[asyncio.Future[None]] = []
    for room, token, analyser in zip(rooms, json.loads(tokens), analysers, strict=True):

        def on_track(track: RemoteTrack, *_: object, analyser: Analyser = analyser) -> None:
            tasks.append(asyncio.ensure_future(listen(track, analyser)))

        room.on("track_subscribed", on_track)
        await room.connect(url, token)
        source = AudioSource(SAMPLE_RATE, 1, QUEUE)
        tasks.append(asyncio.ensure_future(play(source, stop, lead=LEAD)))
        await publish_tone(room, source, "voice", {})
    say(ready=True)
    while await next_line():
        frames, differing = (sum(getattr(one.result, name) for one in analysers) for name in ("frames", "differing"))
        say(frames=frames, differing=differing, **process_stats())
    stop.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(room.disconnect() for room in rooms))


if __name__ == "__main__":
    run(main())
