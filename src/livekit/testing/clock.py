"""A virtual clock for the event loop: when every task waits, time jumps to the next timer.

Waiting then takes no real time and is deterministic: a rule about 15 seconds is tested in milliseconds. Everything that
asks the loop for the time (`asyncio.sleep`, timeouts, `loop.time`, `loop.call_later`, in-memory rooms) uses virtual
time; `time.monotonic` and the network do not.
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
"""Virtual seconds after which the loop is considered stuck: only timers fire."""
IDLE_GRACE = 1.0
"""Real seconds that an idle loop without timers waits for another thread to wake it."""
NANOSECOND = 1e-9
"""Resolution of virtual time in seconds: asyncio runs timers up to this much early."""

_Select = Callable[["float | None"], "list[Any]"]


class VirtualClockStalledError(RuntimeError):
    """Deadlock: every task waits and nothing can wake one, or only timers fired for a very long time."""


class VirtualClock:
    """Runs the event loop on virtual time for the duration of the context::

        with VirtualClock() as clock:
            await asyncio.sleep(3600)
        assert clock.elapsed == 3600

    `loop.time()` starts at 0. On a loop with pending timers it continues from the loop's time instead, so that their
    deadlines hold. It jumps to the times of timers exactly: after 100 sleeps of 0.2 s it is 20.0.
    While a function runs in one of the loop's executors, time passes at its real rate. Only asyncio's own event loops
    are supported, not uvloop.
    """

    def __init__(self, *, limit: float = DEFAULT_LIMIT) -> None:
        """Create a clock that raises VirtualClockStalledError after `limit` virtual seconds."""
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop
        self._select: _Select
        self._resolution: float
        self._started = self._now = 0.0
        self._in_threads = 0

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the context was entered, rounded to nanoseconds."""
        return round(self._now - self._started, 9)

    def __enter__(self) -> Self:
        """Start virtual time. Raises RuntimeError: no asyncio event loop runs, or it has a virtual clock already."""
        loop: Any = asyncio.get_running_loop()
        selector = getattr(loop, "_selector", None)
        if not isinstance(loop, asyncio.BaseEventLoop) or selector is None:
            raise RuntimeError(
                f"{type(loop).__name__} cannot run on virtual time; use one of asyncio's own event loops"
            )
        if isinstance(getattr(selector.select, "__self__", None), VirtualClock):
            raise RuntimeError("this event loop has a virtual clock already")
        self._loop = loop
        self._started = self._now = _starting_time(loop)
        self._select = selector.select
        self._resolution = getattr(loop, "_clock_resolution")  # noqa: B009  # typeshed does not know it
        selector.select = self._wait
        patched: Any = loop
        patched.time = self._time
        patched.run_in_executor = self._run_in_executor
        patched._clock_resolution = NANOSECOND
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        loop: Any = self._loop
        ahead = self._now - time.monotonic()
        del loop._selector.select, loop.run_in_executor
        loop._clock_resolution = self._resolution
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
        """Wait for I/O until `timeout`; replaces the selector's `select`."""
        if self._in_threads:
            started = time.monotonic()
            ready = self._select(timeout)
            self._now = _without_float_error(self._now + time.monotonic() - started)
            return ready
        ready = self._select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = self._select(IDLE_GRACE)
            if not ready:
                raise VirtualClockStalledError(
                    f"deadlock: every task waits and nothing can wake one; {self._waiting()}"
                )
            return ready
        loop: Any = self._loop
        when: float = loop._scheduled[0].when()
        nanoseconds = _time_of_timer(when)
        # Not rounded twice: a callback that compares the time with its unrounded deadline has set its timer again.
        self._now = nanoseconds if nanoseconds > self._now else when
        if self.elapsed > self._limit:
            raise VirtualClockStalledError(
                f"only timers fired for {self.elapsed:.0f} virtual seconds; {self._waiting()}"
            )
        return ready

    def _waiting(self) -> str:
        names = sorted(task.get_name() for task in asyncio.all_tasks(self._loop))
        return f"pending tasks: {', '.join(names)}"


def _starting_time(loop: Any) -> float:
    """Return 0, or the time on which timers rely."""
    if all(timer.cancelled() for timer in loop._scheduled):
        return 0.0
    now: float = loop.time()
    return math.ceil(now * 1e6) / 1e6


def _time_of_timer(when: float) -> float:
    """Return the time at which the loop runs a timer due at `when`."""
    now = _without_float_error(when)
    if now + NANOSECOND <= when:  # so late that floats are more than a nanosecond apart
        now = math.nextafter(when, math.inf)
    return now


def _without_float_error(seconds: float) -> float:
    """Return whole nanoseconds where `seconds` differs from them only by the error of adding floats."""
    rounded = round(seconds, 9)
    return rounded if abs(rounded - seconds) <= 1e-12 + 4 * math.ulp(seconds) else seconds


def run_virtual(main: Coroutine[Any, Any, T], *, debug: bool | None = None, limit: float = DEFAULT_LIMIT) -> T:
    """Run a coroutine like `asyncio.run`, on a virtual clock.

    Raises:
        VirtualClockStalledError: deadlock, or `main` took more than `limit` virtual seconds.
    """
    return asyncio.run(_on_virtual_clock(main, limit), debug=debug)


async def _on_virtual_clock(main: Coroutine[Any, Any, T], limit: float) -> T:
    with VirtualClock(limit=limit):
        return await main
