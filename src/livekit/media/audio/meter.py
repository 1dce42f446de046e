"""The level of audio, as statistics and the audio level header extension state it."""

from __future__ import annotations

import math
from array import array
from operator import mul

from .block import BLOCK_SECONDS

__all__ = ["AudioMeter", "root_mean_square", "to_dbov"]

FULL_SCALE = 32768
STRIDE = 5
"""Samples of which one is measured."""
SILENCE_DBOV = 127


def root_mean_square(pcm: bytes) -> float:
    """Return the level of signed 16-bit samples, 0 to 1."""
    samples = array("h", pcm)[::STRIDE]
    return math.sqrt(sum(map(mul, samples, samples)) / len(samples)) / FULL_SCALE if samples else 0.0


def to_dbov(level: float) -> int:
    """Return a level from 0 to 1 as attenuation in -dBov, 0 to 127 (RFC 6464)."""
    return min(round(-20 * math.log10(level)), SILENCE_DBOV) if level > 0 else SILENCE_DBOV


class AudioMeter:
    """Sums up audio as RTCAudioSourceStats and RTCInboundRtpStreamStats do (W3C WebRTC Statistics)."""

    def __init__(self) -> None:
        self.level = 0.0
        """Of the last 10 ms, 0 to 1."""
        self.energy = 0.0
        self.duration = 0.0
        """Seconds."""

    def add(self, level: float, blocks: int = 1) -> None:
        """Count `blocks` of 10 ms with a level from 0 to 1."""
        self.level = level
        self.energy += level * level * blocks * BLOCK_SECONDS
        self.duration += blocks * BLOCK_SECONDS
