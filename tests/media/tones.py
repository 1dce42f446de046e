"""Tones that participants publish, and what is heard of them."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from livekit import AudioFrame, AudioSource, AudioStream, LocalAudioTrack, Track

RATE = 16_000
HEARING_RATE = 8_000
WINDOW = 800
"""Samples in which the frequency is determined: 100 ms."""
FREQUENCIES = range(200, 1_200, 100)


@asynccontextmanager
async def tone(frequency: int, *, channels: int = 1) -> AsyncGenerator[LocalAudioTrack, None]:
    """A track on which a tone of 200 to 1,100 Hz, a multiple of 100, plays until the end."""
    source = AudioSource(RATE, channels, queue_size_ms=100)
    step = [round(8_000 * math.sin(math.tau * frequency * n / RATE)) for n in range(RATE // 100)]
    samples = array("h", [sample for sample in step for _ in range(channels)])

    async def play() -> None:
        while True:
            await source.capture_frame(AudioFrame(samples.tobytes(), RATE, channels, RATE // 100))

    playing = asyncio.ensure_future(play())
    try:
        yield LocalAudioTrack.create_audio_track(f"{frequency} Hz", source)
    finally:
        playing.cancel()
        await asyncio.wait({playing})
        await source.aclose()


class Listener:
    """Hears a track, or a stream of 8 kHz."""

    def __init__(self, track: Track | AudioStream) -> None:
        self.stream = track if isinstance(track, AudioStream) else AudioStream(track, sample_rate=HEARING_RATE)
        self._samples: list[int] = []

    async def until(self, frequency: int | None) -> None:
        """Wait until this frequency is heard; None for silence. Raises TimeoutError after 10 s of audio."""
        heard: set[int | None] = set()
        for _ in range(100):
            heard.add(await self._hear())
            if frequency in heard:
                return
        raise TimeoutError(f"{frequency} Hz was not heard, but {heard}")

    async def until_end(self) -> None:
        """Wait until the stream has ended. Raises TimeoutError after 10 s of audio."""
        try:
            for _ in range(100):
                await self._hear()
        except StopAsyncIteration:
            return
        raise TimeoutError("the stream has not ended")

    async def _hear(self) -> int | None:
        """Return the frequency of the next 100 ms."""
        del self._samples[:]
        while len(self._samples) < WINDOW:
            event = await anext(self.stream)
            self._samples.extend(event.frame.data)
        window = self._samples[:WINDOW]
        if max(map(abs, window)) < 100:
            return None
        return max(FREQUENCIES, key=lambda each: _power(window, each))

    async def aclose(self) -> None:
        await self.stream.aclose()


def _power(samples: list[int], frequency: int) -> float:
    step = math.tau * frequency / HEARING_RATE
    real = sum(sample * math.cos(step * n) for n, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(step * n) for n, sample in enumerate(samples))
    return real * real + imaginary * imaginary
