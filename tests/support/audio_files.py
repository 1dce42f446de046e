"""WAV files with tones."""

from __future__ import annotations

import array
import math
import wave
from collections.abc import Sequence
from pathlib import Path

AMPLITUDE = 9000


def write_tone(
    path: Path, *, seconds: float, sample_rate: int = 48_000, frequency: float = 440, channels: int = 1
) -> None:
    """Write a file with a tone in all channels."""
    step = 2 * math.pi * frequency / sample_rate
    samples = array.array("h")
    for index in range(round(seconds * sample_rate)):
        samples.extend([round(AMPLITUDE * math.sin(step * index))] * channels)
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(samples.tobytes())


def read_wav(path: Path) -> tuple[int, array.array[int]]:
    """Return the sample rate and the samples of a 16-bit file, channels interleaved."""
    with wave.open(str(path), "rb") as reader:
        return reader.getframerate(), array.array("h", reader.readframes(reader.getnframes()))


def strength(samples: Sequence[int], sample_rate: int, frequency: float) -> float:
    """Return the amplitude of a frequency in the samples (Goertzel)."""
    coefficient = 2 * math.cos(2 * math.pi * frequency / sample_rate)
    last = before = 0.0
    for sample in samples:
        last, before = sample + coefficient * last - before, last
    power = last * last + before * before - coefficient * last * before
    return 2 * math.sqrt(max(power, 0.0)) / max(len(samples), 1)


def seconds_of_tone(samples: Sequence[int], sample_rate: int, frequency: float, block: float = 0.02) -> float:
    """Return how long a tone of `AMPLITUDE` is heard, in blocks."""
    size = round(block * sample_rate)
    starts = range(0, len(samples) - size + 1, size)
    heard = (strength(samples[start : start + size], sample_rate, frequency) > AMPLITUDE / 3 for start in starts)
    return block * sum(heard)
