"""Tones of Python participants: published, and found by their frequency in what is received. See `python_peer.py`."""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
from collections.abc import Callable

from livekit import rtc

RATE = 48_000
FRAME = 480
"""Samples per frame, 10 ms."""
HEARD = 4_800
"""Samples that are examined, 100 ms."""
EXAMINED = 10
"""Frames between two examinations, which take a millisecond."""
AMPLITUDE = 8_000
AUDIBLE = 1_000
"""Amplitude from which a tone counts as heard."""


class Audio:
    """The tone of a participant, and what it hears of each other one."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._source: rtc.AudioSource | None = None
        self._track: rtc.LocalAudioTrack | None = None
        self._sid = ""
        self._samples: dict[str, array.array[int]] = {}
        self._changed = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def listen(self) -> None:
        """Receive the audio of the others."""
        self._room.on("track_subscribed", self._subscribed)
        self._room.on("track_unsubscribed", self._unsubscribed)

    async def play(self, frequency: float) -> str:
        """Publish a tone; return the sid of its track."""
        self._source = rtc.AudioSource(RATE, 1, 100)
        self._track = rtc.LocalAudioTrack.create_audio_track("tone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self._room.local_participant.publish_track(self._track, options)
        self._tasks["own tone"] = asyncio.create_task(self._feed(self._source, frequency))
        self._sid = publication.sid
        return self._sid

    async def _feed(self, source: rtc.AudioSource, frequency: float) -> None:
        angle = 2 * math.pi * frequency / RATE
        for start in range(0, 1 << 40, FRAME):
            frame = rtc.AudioFrame.create(RATE, 1, FRAME)
            frame.data[:] = array.array("h", (int(AMPLITUDE * math.sin(angle * (start + n))) for n in range(FRAME)))
            await source.capture_frame(frame)

    def mute(self, muted: bool) -> None:
        assert self._track is not None
        if muted:
            self._track.mute()
        else:
            self._track.unmute()

    async def unpublish(self) -> None:
        self._tasks.pop("own tone").cancel()
        await self._room.local_participant.unpublish_track(self._sid)

    def subscribe(self, other: str, wanted: bool) -> None:
        for publication in self._room.remote_participants[other].track_publications.values():
            publication.set_subscribed(wanted)

    def _subscribed(
        self, track: rtc.RemoteTrack, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            previous = self._tasks.pop(participant.identity, None)
            if previous is not None:
                previous.cancel()
            self._tasks[participant.identity] = asyncio.create_task(self._listen(track, participant.identity))

    def _unsubscribed(
        self, track: rtc.RemoteTrack, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        self._samples.pop(participant.identity, None)
        self._changed.set()

    async def _listen(self, track: rtc.RemoteTrack, identity: str) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        samples = self._samples[identity] = array.array("h")
        frames = 0
        async for event in stream:
            samples.frombytes(bytes(event.frame.data))
            del samples[:-HEARD]
            frames += 1
            if not frames % EXAMINED:
                self._changed.set()

    async def hears(self, other: str, frequency: float) -> None:
        """Wait until the audio of another participant is a tone of this frequency."""
        await self._until(lambda: self._amplitude(other, frequency) >= AUDIBLE)

    async def silent(self, other: str, frequency: float) -> None:
        """Wait until nothing of this frequency is heard."""
        await self._until(lambda: self._amplitude(other, frequency) < AUDIBLE)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def _amplitude(self, other: str, frequency: float) -> float:
        """Return the amplitude at a frequency (Goertzel); 0 if another frequency is louder than it."""
        samples = self._samples.get(other)
        if samples is None or len(samples) < HEARD:
            return 0.0
        coefficient = 2 * math.cos(2 * math.pi * frequency / RATE)
        before, last, energy = 0.0, 0.0, 0.0
        for sample in samples:
            before, last = last, sample + coefficient * last - before
            energy += sample * sample
        power = before * before + last * last - coefficient * before * last
        is_dominant = power > 0.5 * energy * len(samples) / 2
        return 2 * math.sqrt(max(power, 0.0)) / len(samples) if is_dominant else 0.0

    async def aclose(self) -> None:
        for task in self._tasks.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
