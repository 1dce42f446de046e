"""Runs the timers of a sans-I/O core on one event loop timer."""

from __future__ import annotations

import asyncio
import math
from typing import Protocol


class TimedCore(Protocol):
    """A sans-I/O state machine with timers."""

    def next_timer(self) -> float | None:
        """Return when `handle_timer` must be called next, None if no timer runs."""
        ...

    def handle_timer(self, now: float) -> None:
        """Handle the timers that are due."""
        ...


class LoopTimer:
    """Calls a core's `handle_timer` when its `next_timer` is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, core: TimedCore) -> None:
        self._loop = loop
        self._core = core
        self._handle: asyncio.TimerHandle | None = None
        self._armed_for = math.inf

    def update(self) -> None:
        """Rearm the timer. Call it after anything that may have moved the core's next timer earlier."""
        when = self._core.next_timer()
        if when is None or when >= self._armed_for:
            return
        self.close()
        self._armed_for = when
        self._handle = self._loop.call_at(when, self._fire)

    def close(self) -> None:
        """Cancel the timer; `update` arms it again."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None
        self._armed_for = math.inf

    def _fire(self) -> None:
        self._handle = None
        self._armed_for = math.inf
        try:
            self._core.handle_timer(self._loop.time())
        finally:
            self.update()
