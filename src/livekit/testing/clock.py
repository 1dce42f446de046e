"""A virtual clock for the event loop: when everything waits, it is at once the time that something waits for.

Waiting takes no time then, and happens in the same order every time: a rule about 15 seconds is proved in
milliseconds. Whatever asks the loop for the time (`asyncio.sleep`, timeouts, `loop.time`, `loop.call_later`, rooms in
memory) lives in virtual time; `time.monotonic` and the network do not.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from typing_extensions import Self

__all__ = ["VirtualClock", "VirtualClockStalledError", "run_virtual"]

T = TypeVar("T")

DEFAULT_LIMIT = 4 * 3600.0
"""Virtual seconds after which a loop is taken for stuck: nothing but timers goes on."""
IDLE_GRACE = 1.0
"""Real seconds that a loop with nothing to wait for is given, for somebody's thread to wake it."""
CLOCK_RESOLUTION = time.get_clock_info("monotonic").resolution
"""By so many seconds asyncio runs timers early."""

_Select = Callable[["float | None"], "list[Any]"]


class VirtualClockStalledError(RuntimeError):
    """Everything waits and nothing will happen, or nothing but timers has for a very long time."""


class VirtualClock:
    """Puts the running event loop on virtual time, for as long as the context lasts::

        with VirtualClock() as clock:
            await asyncio.sleep(3600)
        assert clock.elapsed == 3600

    The clock goes on from where the loop's was, and never back. While a function runs in an executor of the loop,
    time passes as it really does. For the event loops of asyncio itself; uvloop cannot be put on virtual time.
    """

    def __init__(self, *, limit: float = DEFAULT_LIMIT) -> None:
        """After `limit` virtual seconds the loop ends with VirtualClockStalledError."""
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop
        self._select: _Select
        self._started = self._now = 0.0
        self._in_threads = 0

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the context began, to the nanosecond."""
        return round(self._now - self._started, 9)

    def __enter__(self) -> Self:
        """Raises RuntimeError: no event loop of asyncio runs, or it has a virtual clock already."""
        loop: Any = asyncio.get_running_loop()
        selector = getattr(loop, "_selector", None)
        if not isinstance(loop, asyncio.BaseEventLoop) or selector is None:
            raise RuntimeError(f"{type(loop).__name__} cannot be put on virtual time; use an event loop of asyncio")
        if isinstance(getattr(selector.select, "__self__", None), VirtualClock):
            raise RuntimeError("this event loop has a virtual clock already")
        self._loop = loop
        self._started = self._now = loop.time()
        self._select = selector.select
        selector.select = self._wait
        patched: Any = loop
        patched.time = self._time
        patched.run_in_executor = self._run_in_executor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        loop: Any = self._loop
        ahead = self._now - time.monotonic()
        del loop._selector.select, loop.run_in_executor
        loop.time = lambda: time.monotonic() + ahead

    def _time(self) -> float:
        return self._now

    def _run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future = type(self._loop).run_in_executor(self._loop, executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, future: asyncio.Future[Any]) -> None:
        self._in_threads -= 1

    def _wait(self, timeout: float | None = None) -> list[Any]:
        """In the place of the selector's `select`: wait for I/O until `timeout`."""
        if self._in_threads:
            started = time.monotonic()
            ready = self._select(timeout)
            self._now += time.monotonic() - started
            return ready
        ready = self._select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = self._select(IDLE_GRACE)
            if not ready:
                raise VirtualClockStalledError(f"everything waits and nothing will happen: {self._waiting()}")
            return ready
        self._now += timeout
        if self._now + CLOCK_RESOLUTION == self._now:  # else the loop never sees the timer's time as reached
            self._now = math.nextafter(self._now, math.inf)
        if self.elapsed > self._limit:
            raise VirtualClockStalledError(
                f"nothing but timers for {self.elapsed:.0f} virtual seconds: {self._waiting()}"
            )
        return ready

    def _waiting(self) -> str:
        names = sorted(task.get_name() for task in asyncio.all_tasks(self._loop))
        return f"the tasks {', '.join(names)} do not end"


def run_virtual(main: Coroutine[Any, Any, T], *, debug: bool | None = None, limit: float = DEFAULT_LIMIT) -> T:
    """`asyncio.run` on a virtual clock.

    Raises:
        VirtualClockStalledError: everything waits and nothing will happen, or it took more than `limit` virtual
            seconds.
    """
    return asyncio.run(_on_virtual_clock(main, limit), debug=debug)


async def _on_virtual_clock(main: Coroutine[Any, Any, T], limit: float) -> T:
    with VirtualClock(limit=limit):
        return await main
