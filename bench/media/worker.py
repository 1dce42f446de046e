"""A participant with audio, with this SDK or the official one, depending on the Python environment.

Run as ``bench.media.worker ROLE URL TOKEN JOB``; prints lines of JSON. It ends a measurement at a line of input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from bench.figures import say
from livekit import rtc
from tools.measurements import percentile, rss_kib

from .signal import FRAME, SAMPLE_RATE, Change, analyse, tone_frames, tone_of

Job = dict[str, Any]
LEAD = 0.02
"""Seconds that a paced source is ahead of its own clock."""


async def next_line() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


class Usage:
    """CPU of this process since its creation, and its memory."""

    def __init__(self) -> None:
        self._cpu, self._time = time.process_time(), time.monotonic()

    def fields(self) -> dict[str, float]:
        seconds = time.monotonic() - self._time
        return {"cpu_percent": 100 * (time.process_time() - self._cpu) / seconds, "rss_kib": rss_kib()}


async def publish_tone(room: Any, source: Any, name: str, job: Job) -> Any:
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    if "red" in job:
        options.red = job["red"]
    track = rtc.LocalAudioTrack.create_audio_track(name, source)
    return await room.local_participant.publish_track(track, options)


async def play(
    source: Any, stop: asyncio.Event, changes: list[Change] | None = None, *, speed: float = 1.0, lead: float = LEAD
) -> None:
    """Capture the test signal in real time, and note when each change of tones was captured."""
    frames = [rtc.AudioFrame(data, SAMPLE_RATE, 1, FRAME) for data in tone_frames()]
    started = time.monotonic() - lead
    number = 0
    while not stop.is_set():
        tone = tone_of(number)
        if changes is not None and number and tone != tone_of(number - 1):
            changes.append(Change(time.monotonic(), tone))
        await source.capture_frame(frames[tone])
        number += 1
        await asyncio.sleep(max(started + number * 0.01 / speed - time.monotonic(), 0))


async def publish(url: str, token: str, job: Job) -> None:
    """Publish the test signal; print CPU and memory, and when its changes were captured."""
    room = rtc.Room()
    await room.connect(url, token)
    source = rtc.AudioSource(SAMPLE_RATE, 1, job.get("queue", 0))
    stop = asyncio.Event()
    changes: list[Change] = []
    playing = asyncio.ensure_future(play(source, stop, changes, speed=job.get("speed", 1.0)))
    await publish_tone(room, source, "tone", job)
    say(ready=True)
    await next_line()
    usage = Usage()
    await next_line()
    say(measure="publish", **usage.fields())
    await next_line()
    stop.set()
    await playing
    say(changes=changes)
    await room.disconnect()


def first_track(room: Any) -> asyncio.Future[Any]:
    found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def on_track(track: Any, *_: object) -> None:
        if not found.done():
            found.set_result(track)

    room.on("track_subscribed", on_track)
    return found


async def receive(url: str, token: str, job: Job) -> None:
    """Receive the test signal; print CPU and memory, and what was heard."""
    room = rtc.Room()
    found = first_track(room)
    await room.connect(url, token)
    say(joined=True)
    stream = rtc.AudioStream.from_track(track=await found, sample_rate=SAMPLE_RATE, num_channels=1)
    frames: list[tuple[float, bytes]] = []

    async def read() -> None:
        async for event in stream:
            frames.append((time.monotonic(), bytes(event.frame.data)))  # noqa: PERF401  # each as it arrives

    reading = asyncio.ensure_future(read())
    say(ready=True)
    await next_line()
    usage = Usage()
    first = len(frames)
    await next_line()
    measured = usage.fields()
    say(measure="receive", **measured, heard=analyse(frames[first:])._asdict())
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await stream.aclose()
    await room.disconnect()


async def crowd(url: str, tokens: str, job: Job) -> None:
    """Let many participants in one process publish, and hear each other."""
    rooms = [rtc.Room() for _ in json.loads(tokens)]
    stop = asyncio.Event()
    playing: list[asyncio.Future[None]] = []
    for room, token in zip(rooms, json.loads(tokens), strict=True):
        await room.connect(url, token)
        source = rtc.AudioSource(SAMPLE_RATE, 1)
        playing.append(asyncio.ensure_future(play(source, stop)))
        await publish_tone(room, source, "tone", job)
    say(ready=True)
    await next_line()
    stop.set()
    await asyncio.gather(*playing)
    await asyncio.gather(*(room.disconnect() for room in rooms))


async def agent(url: str, token: str, job: Job) -> None:
    """Measure the timing that a voice agent depends on: 24 kHz, frames of 50 ms, a queue of 200 ms."""
    room = rtc.Room()
    await room.connect(url, token)
    rate, size = 24_000, 1200
    source = rtc.AudioSource(rate, 1, 200)
    publication = await publish_tone(room, source, "agent", job)
    await publication.wait_for_subscription()
    say(ready=True)
    await next_line()
    tone = b"".join((8000 * (1 if n // 24 % 2 else -1)).to_bytes(2, sys.byteorder, signed=True) for n in range(size))
    frame = rtc.AudioFrame(tone, rate, 1, size)
    await asyncio.sleep(1)
    captures: list[float] = []
    started = time.monotonic()
    for _ in range(40):
        before = time.monotonic()
        await source.capture_frame(frame)
        captures.append(time.monotonic() - before)
    await source.wait_for_playout()
    ended = time.monotonic()
    await asyncio.sleep(1)
    interrupted_at, cleared, released = await _interrupted(source, frame)
    await asyncio.sleep(1)
    say(
        started=started,
        ended=ended,
        captures=captures,
        playout=ended - started,
        interrupted_at=interrupted_at,
        cleared=cleared,
        released=released,
    )
    await next_line()
    await room.disconnect()


async def _interrupted(source: Any, frame: Any) -> tuple[float, float, float]:
    """Clear the queue while a capture waits; return when, how long that took, and until `wait_for_playout` ended."""

    async def keep_capturing() -> None:
        while True:
            await source.capture_frame(frame)

    capturing = asyncio.ensure_future(keep_capturing())
    await asyncio.sleep(1)
    capturing.cancel()
    playout = asyncio.ensure_future(source.wait_for_playout())
    await asyncio.sleep(0)
    at = time.monotonic()
    source.clear_queue()
    cleared = time.monotonic() - at
    await playout
    released = time.monotonic() - at
    await asyncio.gather(capturing, return_exceptions=True)
    return at, cleared, released


async def listen(url: str, token: str, job: Job) -> None:
    """Hear an agent: print when sound begins and ends, and the gaps between frames."""
    room = rtc.Room()
    found = first_track(room)
    await room.connect(url, token)
    say(joined=True)
    track = await found
    edges: list[tuple[float, bool]] = []
    gaps: list[float] = []
    samples: set[int] = set()

    async def read_edges() -> None:
        loud = False
        async for event in rtc.AudioStream.from_track(track=track, sample_rate=24_000, num_channels=1):
            is_loud = max(map(abs, event.frame.data)) > 1500
            if is_loud is not loud:
                edges.append((time.monotonic(), is_loud))
                loud = is_loud

    async def read_gaps() -> None:
        last: float | None = None
        stream = rtc.AudioStream.from_track(track=track, sample_rate=24_000, num_channels=1, frame_size_ms=50)
        async for event in stream:
            now = time.monotonic()
            samples.add(event.frame.samples_per_channel)
            if last is not None:
                gaps.append(now - last)
            last = now

    readers = [asyncio.ensure_future(read_edges()), asyncio.ensure_future(read_gaps())]
    say(ready=True)
    await next_line()
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    gaps.sort()
    p1, p50, p99 = (percentile(gaps[1:], share) for share in (0.01, 0.5, 0.99))
    say(edges=edges, samples=sorted(samples), gap_p1=p1, gap_p50=p50, gap_p99=p99)
    await room.disconnect()


ROLES: dict[str, Callable[[str, str, Job], Coroutine[Any, Any, None]]] = {
    "publish": publish,
    "receive": receive,
    "crowd": crowd,
    "agent": agent,
    "listen": listen,
}


def main() -> None:
    role, url, token, job = sys.argv[1:]
    run = getattr(rtc, "run", None) or asyncio.run
    run(ROLES[role](url, token, json.loads(job)))


if __name__ == "__main__":
    main()
