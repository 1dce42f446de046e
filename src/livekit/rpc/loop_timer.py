"""Drives the timers of a core by one timer of the event loop."""

from __future__ import annotations

import asyncio
import math
from typing import Protocol


class TimedCore(Protocol):
    def next_timer(self) -> float | None: ...

    def handle_timer(self, now: float) -> None: ...


class LoopTimer:
    """Calls `handle_timer` of a core when its `next_timer` comes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, core: TimedCore) -> None:
        self._loop = loop
        self._core = core
        self._handle: asyncio.TimerHandle | None = None
        self._armed_for = math.inf

    def update(self) -> None:
        """To be called after anything that may have brought the core's next timer closer."""
        when = self._core.next_timer()
        if when is None or when >= self._armed_for:
            return
        self.close()
        self._armed_for = when
        self._handle = self._loop.call_at(when, self._fire)

    def close(self) -> None:
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
