"""Signals to test with, and what is measured of them."""

from __future__ import annotations

import itertools
import math
from array import array


def sine(frequency: float, sample_rate: int, seconds: float, channels: int = 1) -> array[int]:
    samples = (
        round(10_000 * math.sin(math.tau * frequency * n / sample_rate)) for n in range(int(seconds * sample_rate))
    )
    return array("h", [sample for sample in samples for _ in range(channels)])


def largest_step(samples: array[int], channels: int = 1) -> int:
    """Return the largest difference of two successive samples: a click is larger than any in the signal."""
    signal = samples[::channels]
    return max(abs(after - before) for before, after in itertools.pairwise(signal))
