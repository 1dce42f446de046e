"""A test signal of two alternating tones, and what a receiver heard of it.

Each tone has whole periods in 10 ms, so that a frame of 10 ms has one tone, the other, or an error.
"""

from __future__ import annotations

import array
import math
from collections.abc import Iterable, Sequence
from operator import mul
from typing import NamedTuple

SAMPLE_RATE = 48_000
FRAME = SAMPLE_RATE // 100
"""Samples of a frame of 10 ms."""
FREQUENCIES = (500, 900)
"""Hz; multiples of 100."""
AMPLITUDE = 8000
FRAMES_PER_TONE = 25
TRANSITION = 3
"""Frames at a change of tones that may have both: a codec smears it."""

_LOW, _HIGH, _OTHER, _HEARD, _RESIDUE = 0.75, 1.3, 0.3, 0.4, 0.08
"""Shares of the amplitude between which a tone is right, above which the other tone is an error, and from which a new
tone is heard; and the share of the energy that may be neither."""


def _wave(frequency: int, phase: float) -> array.array[float]:
    step = 2 * math.pi * frequency / SAMPLE_RATE
    return array.array("d", (math.sin(step * index + phase) for index in range(FRAME)))


_SINES = [_wave(frequency, 0.0) for frequency in FREQUENCIES]
_COSINES = [_wave(frequency, math.pi / 2) for frequency in FREQUENCIES]


def tone_frames() -> list[bytes]:
    """Return one frame of each tone; the same frame again continues it without a jump."""
    return [array.array("h", (round(AMPLITUDE * value) for value in sine)).tobytes() for sine in _SINES]


def tone_of(number: int) -> int:
    """Return which tone the frame with this number has, 0 or 1."""
    return number // FRAMES_PER_TONE % len(FREQUENCIES)


class Change(NamedTuple):
    """A change of tones: when it was captured or heard, in seconds, and the new tone."""

    at: float
    tone: int


class Heard(NamedTuple):
    """What a receiver heard."""

    changes: list[Change]
    frames: int
    """Frames from the first change to the last."""
    differing: int
    """Frames of these that have neither one tone nor a change to the other."""


def strengths(samples: Sequence[int]) -> tuple[float, float, float]:
    """Return the amplitude of each tone in a frame, as a share of the nominal one, and the share of other energy."""
    found = [
        2 / FRAME * math.hypot(sum(map(mul, samples, sine)), sum(map(mul, samples, cosine)))
        for sine, cosine in zip(_SINES, _COSINES, strict=True)
    ]
    energy = sum(map(mul, samples, samples)) / FRAME
    residue = 1.0 - sum(amplitude**2 for amplitude in found) / 2 / energy if energy else 1.0
    return found[0] / AMPLITUDE, found[1] / AMPLITUDE, residue


class Analyser:
    """Follows the tones in frames of 10 ms as they arrive."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._number = 0
        self._first: int | None = None  # frame of the first change
        self._last = 0
        self._differing = self._differing_at_last = 0
        self._unclear = 0
        self._current: int | None = None
        self._heard_at: float | None = None

    @property
    def result(self) -> Heard:
        """What was heard so far."""
        frames = 0 if self._first is None else self._last - self._first
        return Heard(self.changes, frames, self._differing_at_last)

    def push(self, at: float, data: bytes) -> None:
        """Take a frame that arrived at this time, in seconds."""
        levels = strengths(array.array("h", data))
        tone = _tone(levels)
        if tone is None:
            self._unclear += 1
            if self._heard_at is None and self._current is not None and levels[1 - self._current] > _HEARD:
                self._heard_at = at
        elif self._current is not None and tone != self._current:
            self._change(at if self._heard_at is None else self._heard_at, tone)
        else:
            self._differing += self._unclear
            self._current, self._unclear, self._heard_at = tone, 0, None
        self._number += 1

    def _change(self, at: float, tone: int) -> None:
        if self._first is None:
            self._first, self._differing = self._number, 0
        else:
            self._differing += max(self._unclear - TRANSITION, 0)
        self.changes.append(Change(at, tone))
        self._last, self._differing_at_last = self._number, self._differing
        self._current, self._unclear, self._heard_at = tone, 0, None


def analyse(frames: Iterable[tuple[float, bytes]]) -> Heard:
    """Return what is heard in frames of 10 ms, each with its time of arrival in seconds."""
    analyser = Analyser()
    for at, data in frames:
        analyser.push(at, data)
    return analyser.result


def _tone(levels: tuple[float, float, float]) -> int | None:
    """Return the tone that a frame has alone, at its right strength."""
    for tone in range(len(FREQUENCIES)):
        if _LOW < levels[tone] < _HIGH and levels[1 - tone] < _OTHER and levels[2] < _RESIDUE:
            return tone
    return None


def latencies(captured: Sequence[Change], heard: Sequence[Change]) -> list[float]:
    """Return the seconds from the capture of each change to its hearing, sorted."""
    found: list[float] = []
    position = 0
    for at, tone in heard:
        while position + 1 < len(captured) and captured[position + 1].at <= at:
            position += 1
        candidates = [change for change in captured[max(position - 1, 0) : position + 1] if change.tone == tone]
        if candidates and candidates[-1].at <= at:
            found.append(at - candidates[-1].at)
    return sorted(found)
