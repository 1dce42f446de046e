"""Throughput per second. No clock."""

from __future__ import annotations

RATE_SECONDS = 3
"""Averaging window of the rate."""
SERIES_SECONDS = 60
"""Length of the time series."""


class Throughput:
    """Counts packets and bytes; keeps the bytes of each of the last `seconds` seconds."""

    __slots__ = ("_at", "_slots", "packets", "size")

    def __init__(self, seconds: int = RATE_SECONDS) -> None:
        self.packets = 0
        self.size = 0
        self._slots = [0] * (seconds + 1)
        self._at = 0
        """The current second."""

    def add(self, size: int, now: float) -> None:
        """Count a packet of `size` bytes."""
        second = int(now)
        if second != self._at:
            self._advance(second)
        self._slots[second % len(self._slots)] += size
        self.packets += 1
        self.size += size

    def rate(self, now: float) -> float:
        """Return the mean of the last whole seconds, in bytes per second."""
        return sum(self.series(now)[-RATE_SECONDS:]) / RATE_SECONDS

    def series(self, now: float) -> list[int]:
        """Return the bytes of each of the last whole seconds, oldest first."""
        self._advance(int(now))
        count = len(self._slots)
        return [self._slots[(self._at + offset) % count] for offset in range(1, count)]

    def _advance(self, second: int) -> None:
        count = len(self._slots)
        for passed in range(max(self._at + 1, second - count + 1), second + 1):
            self._slots[passed % count] = 0
        self._at = max(self._at, second)
