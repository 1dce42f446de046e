"""The clock of a receiver: when to play blocks of 10 ms.

Its phase follows the packets, so that a block is played just when the jitter buffer has delayed it enough: at once
where playout starts, quickly for some seconds while the delay settles, and then so slowly that the pace is the local
clock's.
"""

from __future__ import annotations

from .block import BLOCK_SECONDS

__all__ = ["PlayoutClock"]

MARGIN = 0.001
"""Seconds by which blocks are played later than the jitter buffer demands."""
SETTLING_BLOCKS = 300
SETTLING_STEP = 0.000_1
"""Seconds by which a block may be moved while the delay settles: 1 %."""
STEP = 0.000_001
"""The same later: 100 ppm, about the difference of two quartz clocks."""

ROUNDING = 1e-6


class PlayoutClock:
    """The times at which one receiver plays."""

    def __init__(self, now: float) -> None:
        self.next = now + BLOCK_SECONDS
        """When the next block is to be played."""
        self._settling = 0  # blocks that it may still take

    def start_at(self, time: float, now: float) -> None:
        """Move the next block, by up to 5 ms or so, so that one is played at `time`."""
        shift = (time + MARGIN - self.next + BLOCK_SECONDS / 2) % BLOCK_SECONDS - BLOCK_SECONDS / 2
        if abs(shift) > ROUNDING:
            self.next += shift if self.next + shift >= now else shift + BLOCK_SECONDS
        self._settling = SETTLING_BLOCKS

    def advance(self, excess: float | None) -> None:
        """Go on to the next block. `excess` is how much later than necessary blocks are played; None in a pause."""
        self.next += BLOCK_SECONDS
        if excess is None:
            return
        step = STEP
        if self._settling:
            self._settling -= 1
            step = SETTLING_STEP
        self.next -= min(max(excess - MARGIN, -step), step)
