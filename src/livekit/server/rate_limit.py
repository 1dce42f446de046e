"""How fast somebody may go on: a burst of one second's worth, then as much as the rate allows."""

from __future__ import annotations


class RateLimit:
    """Tells how long to wait so that in the long run no more than `per_second` comes in a second. No clock."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._level = 0.0
        self._at = 0.0

    def delay(self, amount: float, now: float) -> float:
        """`amount` came: the seconds to wait before anything else is taken."""
        self._level = max(0.0, self._level - (now - self._at) * self._per_second) + amount
        self._at = now
        return max(0.0, self._level / self._per_second - 1.0)
