"""Rates of counters that only grow."""

from __future__ import annotations

__all__ = ["RateMeter"]

INTERVAL = 1.0
"""Shortest time over which a rate is measured, in seconds."""


class RateMeter:
    """Computes the rate of a total over the last one to two seconds, if it is asked at least once per second."""

    __slots__ = ("_at", "_rate", "_total")

    def __init__(self, now: float) -> None:
        self._at = now
        self._total = 0
        self._rate = 0.0

    def rate(self, total: int, now: float) -> float:
        """Return the increase of `total` per second."""
        elapsed = now - self._at
        if elapsed >= INTERVAL:
            self._rate = (total - self._total) / elapsed
            self._at, self._total = now, total
        return self._rate
