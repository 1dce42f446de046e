"""Token buckets that hold one second's worth of their rate. No clock."""

from __future__ import annotations


class RateLimit:
    """Token bucket: computes the delay that keeps the long-run rate at `per_second`, after a burst of one second."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._level = 0.0
        self._at = 0.0

    def delay(self, amount: float, now: float) -> float:
        """Account for `amount` consumed at `now`; return the seconds to wait before consuming more."""
        self._level = max(0.0, self._level - (now - self._at) * self._per_second) + amount
        self._at = now
        return max(0.0, self._level / self._per_second - 1.0)


class TokenBucket:
    """Token bucket: refuses what exceeds the rate, after a burst of one second."""

    __slots__ = ("_at", "_level", "_per_second")

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._level = per_second
        self._at = 0.0

    def take(self, amount: float, now: float) -> bool:
        """Consume `amount` at `now`; return False, and consume nothing, if it is not available."""
        level = min(self._level + (now - self._at) * self._per_second, self._per_second)
        self._at = now
        if level < amount:
            self._level = level
            return False
        self._level = level - amount
        return True
