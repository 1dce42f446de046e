"""Arithmetic of signed 16-bit samples."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from operator import add

__all__ = ["mix", "saturate"]

MIN_SAMPLE, MAX_SAMPLE = -32768, 32767


def saturate(values: Sequence[int]) -> array[int]:
    """Return integers as samples; those beyond full scale are clipped."""
    try:
        return array("h", values)
    except OverflowError:
        return array("h", [min(max(value, MIN_SAMPLE), MAX_SAMPLE) for value in values])


def mix(signals: Sequence[array[int]]) -> array[int]:
    """Return the sum of signals of the same length, clipped once, at the end."""
    first, *others = signals
    if not others:
        return first
    total: Iterable[int] = first
    for other in others:
        total = map(add, total, other)
    return saturate(list(total))
