"""Arithmetic of signed 16-bit samples.

`mix` and `mean` compute all samples at once, in a long integer with a lane of bits for each. Samples are in offset
binary there (32768 more), so that no lane is negative and borrows from the next.
"""

from __future__ import annotations

import functools
import sys
from array import array
from collections.abc import Sequence

__all__ = ["mean", "mix", "saturate"]

MIN_SAMPLE, MAX_SAMPLE = -32768, 32767


def saturate(values: Sequence[int]) -> array[int]:
    """Return integers as samples; those beyond full scale are clipped."""
    try:
        return array("h", values)
    except OverflowError:
        return array("h", [min(max(value, MIN_SAMPLE), MAX_SAMPLE) for value in values])


def mix(signals: Sequence[array[int]]) -> array[int]:
    """Return the sum of signals of the same length, clipped once, at the end."""
    if len(signals) == 1:
        return signals[0]
    count = len(signals[0])
    ones = _ones(32, (count + 1) // 2)
    even = odd = ones * (0x8000_0000 - 0x8000 * (len(signals) - 1))  # full scale is 0x80000000 to 0x8000ffff then
    for signal in signals:
        lanes = _lanes(signal)
        even += lanes & ones * 0xFFFF
        odd += lanes >> 16 & ones * 0xFFFF
    return _samples(_clipped(even, ones) | _clipped(odd, ones) << 16, count)


def mean(one: array[int], other: array[int]) -> array[int]:
    """Return ``(x + y) >> 1`` of each pair of samples: the bits in common, and half of those that differ."""
    first, second = _lanes(one), _lanes(other)
    halves = (first ^ second) & _ones(16, len(one)) * 0xFFFE
    return _samples((first & second) + (halves >> 1), len(one))


def _clipped(lanes: int, ones: int) -> int:
    """Return 0 for lanes below 0x80000000, 0xffff for those above 0x8000ffff, and the lower 16 bits of the others."""
    not_below = lanes & ones * 0x8000_0000
    above = (lanes & ones * 0x7FFF_0000) + ones * 0x7FFF_0000 & not_below
    return (lanes & ones * 0xFFFF | (above >> 31) * 0xFFFF) & (not_below >> 31) * 0xFFFF


def _lanes(samples: array[int]) -> int:
    return int.from_bytes(samples.tobytes(), sys.byteorder) ^ _ones(16, len(samples)) * 0x8000


def _samples(lanes: int, count: int) -> array[int]:
    size = 2 * count
    unused = (1 << 8 * size) - 1  # of an odd count
    return array("h", (lanes & unused ^ _ones(16, count) * 0x8000).to_bytes(size, sys.byteorder))


@functools.lru_cache(maxsize=64)
def _ones(bits: int, count: int) -> int:
    """Return an integer with 1 in each of `count` lanes."""
    return int.from_bytes((1).to_bytes(bits // 8, "little") * count, "little")
