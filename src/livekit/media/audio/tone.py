"""Generated test signals."""

from __future__ import annotations

import array
import math
from collections.abc import AsyncIterator

from .frame import AudioFrame

__all__ = ["sine_wave_generator"]

FRAMES_PER_SECOND = 10
_MAX_SAMPLE = 32767


async def sine_wave_generator(
    freq: float, duration: float, sample_rate: int = 48000, amplitude: float = 0.3
) -> AsyncIterator[AudioFrame]:
    """Yield mono frames of 100 ms with a sine wave; as in the official SDK, a shorter rest is dropped.

    Args:
        freq: frequency in Hz.
        duration: seconds.
        sample_rate: samples per second.
        amplitude: 0.0 to 1.0.
    """
    size = sample_rate // FRAMES_PER_SECOND
    for start in range(0, int(duration * sample_rate) // size * size, size):
        angles = (2 * math.pi * freq * index / sample_rate for index in range(start, start + size))
        samples = array.array("h", (int(amplitude * _MAX_SAMPLE * math.sin(angle)) for angle in angles))
        yield AudioFrame(samples.tobytes(), sample_rate, 1, size)
