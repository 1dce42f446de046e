"""Active speakers, from the audio levels in RTP header extensions (RFC 6464).

Thresholds, smoothing and quantization are those of livekit-server 1.13.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["UPDATE_INTERVAL", "AudioLevelMeter", "Speaker", "SpeakerDetector"]

UPDATE_INTERVAL: Final = 0.4
"""Seconds of audio per measurement, and between two updates."""
ACTIVE_LEVEL: Final = 35
"""The quietest level of an active speaker, in -dBov."""
MIN_ACTIVE: Final = 0.16
"""Seconds of `UPDATE_INTERVAL` that must be at least that loud: two fifths."""
SMOOTHING: Final = 2 / 3
"""Weight of a new measurement in the exponential moving average: that of two intervals."""
STALE_AFTER: Final = 2 * UPDATE_INTERVAL
"""Seconds without audio after which the level is zero."""
QUANTIZATION: Final = 8
"""Steps of the levels that clients see, which hide small changes."""
SILENT: Final = 127
_THRESHOLD: Final = 10 ** (-ACTIVE_LEVEL / 20)


class AudioLevelMeter:
    """Measures the level of one audio stream, in linear terms: 1 is full scale."""

    __slots__ = ("_active", "_clock_rate", "_last_at", "_level", "_loudest", "_observed", "_timestamp")

    def __init__(self, clock_rate: int) -> None:
        """`clock_rate` is that of the RTP timestamps, in hertz."""
        self._clock_rate = clock_rate
        self._timestamp: int | None = None
        self._last_at = -math.inf
        self._level = 0.0
        self._reset(0.0)

    def _reset(self, level: float) -> None:
        self._level = level
        self._loudest = SILENT
        self._active = 0  # in units of the RTP timestamp, as all durations here
        self._observed = 0

    def observe(self, level: int, timestamp: int, now: float) -> None:
        """Account for a packet of `level`, in -dBov, with an RTP timestamp; one from before the last is ignored."""
        duration = 0 if self._timestamp is None else (timestamp - self._timestamp) & 0xFFFF_FFFF
        if duration >= 1 << 31:
            return
        self._timestamp = timestamp
        self._last_at = now
        self._observed += duration
        if level <= ACTIVE_LEVEL:
            self._active += duration
            self._loudest = min(self._loudest, level)
        if self._observed >= UPDATE_INTERVAL * self._clock_rate:
            self._measure()

    def _measure(self) -> None:
        active = self._active / self._clock_rate
        if active < MIN_ACTIVE:
            self._reset(0.0)
            return
        # A share of the interval weighs like an amplitude: half of it is 6 dB less.
        measured = 10 ** (-self._loudest / 20) * active / UPDATE_INTERVAL
        self._reset(min(self._level + (measured - self._level) * SMOOTHING, 1.0))

    def level(self, now: float) -> float:
        """Return the smoothed level; 0 if the speaker is not active."""
        if now - self._last_at >= STALE_AFTER:
            self._reset(0.0)
        return self._level if self._level >= _THRESHOLD else 0.0


class Speaker(NamedTuple):
    """A participant whose level has changed."""

    sid: str
    level: float
    """From 0 to 1 in steps of 1/8."""

    @property
    def active(self) -> bool:
        """True while it speaks; False in the one update after it stopped."""
        return self.level > 0


class SpeakerDetector:
    """Finds the changes of the speakers in one room."""

    def __init__(self) -> None:
        self._active: dict[str, Speaker] = {}

    @property
    def active(self) -> list[Speaker]:
        """The speakers that are active, the loudest first: what a participant that joins must know."""
        return list(self._active.values())

    def update(self, levels: Mapping[str, float]) -> list[Speaker]:
        """Return the speakers whose levels have changed, the loudest first, and those that stopped with level 0.

        `levels` has the level of each participant's microphones by participant sid: the maximum of
        `AudioLevelMeter.level`; those that are not active may be absent. Call it each `UPDATE_INTERVAL`.
        """
        loudest = sorted((pair for pair in levels.items() if pair[1] > 0), key=lambda pair: pair[1], reverse=True)
        active = {sid: Speaker(sid, math.ceil(level * QUANTIZATION) / QUANTIZATION) for sid, level in loudest}
        changed = [speaker for sid, speaker in active.items() if self._active.get(sid) != speaker]
        changed += [Speaker(sid, 0.0) for sid in self._active if sid not in active]
        self._active = active
        return changed
