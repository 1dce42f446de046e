"""In-memory links with delay, jitter, loss, duplication and bandwidth limits."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Generic, TypeVar

from livekit._util.callbacks import ignore

from .faults import Faults

__all__ = ["MemoryLink", "MemoryPipe"]

logger = logging.getLogger("livekit.testing")

T = TypeVar("T")


class MemoryLink:
    """The link between one participant and the server: state shared by its pipes."""

    def __init__(self, faults: Callable[[], Faults], random: Random) -> None:
        self.faults = faults
        self.random = random
        self.held = False
        """Delivery is suspended; items queue up and none is lost."""
        self._pipes: list[MemoryPipe[Any]] = []

    def pipe(self, deliver: Callable[[T], None], *, lossy: bool = False, duplicates: bool = False) -> MemoryPipe[T]:
        """Return a new one-way pipe.

        Args:
            deliver: called with each item that arrives.
            lossy: items may be lost and reordered.
            duplicates: items may be delivered twice.
        """
        pipe = MemoryPipe(self, deliver, lossy=lossy, duplicates=duplicates)
        self._pipes = [known for known in self._pipes if not known.closed]
        self._pipes.append(pipe)
        return pipe

    def close(self) -> None:
        """Deliver what is in flight, unless the link is held, and close all pipes."""
        for pipe in self._pipes:
            if not self.held:
                pipe.flush()
            pipe.close()

    def hold(self) -> None:
        """Suspend delivery until `release`."""
        self.held = True

    def release(self) -> None:
        """Resume delivery, starting with the queued items."""
        self.held = False
        for pipe in self._pipes:
            pipe.wake()


class MemoryPipe(Generic[T]):
    """A one-way pipe; delivers each item in a later iteration of the event loop."""

    def __init__(self, link: MemoryLink, deliver: Callable[[T], None], *, lossy: bool, duplicates: bool) -> None:
        self.on_sent: Callable[[], None] = ignore
        """Called when bytes have left the send buffer."""
        self.buffered_amount = 0
        """Bytes in the send buffer."""
        self.closed = False
        self.cut = False
        """Items are silently dropped."""
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._deliver = deliver
        self._lossy = lossy
        self._duplicates = duplicates
        self._departing: deque[tuple[float, int]] = deque()
        self._arriving: list[tuple[float, int, T]] = []
        self._order = itertools.count()
        self._last_departure = 0.0
        self._last_arrival = 0.0
        self._handle: asyncio.Handle | None = None
        self._armed_for = 0.0

    def put(self, item: T, size: int = 0) -> None:
        """Send an item of `size` bytes."""
        if self.closed:
            return
        faults = self._link.faults()
        now = self._loop.time()
        departure = now
        if faults.bandwidth is not None:
            departure = self._last_departure = max(now, self._last_departure) + size / faults.bandwidth
        if size:
            self.buffered_amount += size
            self._departing.append((departure, size))
        if not self.cut and not (self._lossy and faults.loss and self._link.random.random() < faults.loss):
            self._arrive(item, departure, faults)
        self._arm(now)

    def wake(self) -> None:
        """Resume delivery after the link was held."""
        self._arm(self._loop.time())

    def flush(self) -> None:
        """Deliver all items in flight."""
        while self._arriving and not self.closed:
            self._guard(self._deliver, heapq.heappop(self._arriving)[2])

    def close(self) -> None:
        """Drop all items in flight."""
        self.closed = True
        self._departing.clear()
        self._arriving.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arrive(self, item: T, departure: float, faults: Faults) -> None:
        spread = self._link.random.random() * faults.jitter if faults.jitter else 0.0
        arrival = departure + faults.delay + spread
        if not self._lossy:
            arrival = self._last_arrival = max(arrival, self._last_arrival)
        heapq.heappush(self._arriving, (arrival, next(self._order), item))
        if self._duplicates and faults.duplicate and self._link.random.random() < faults.duplicate:
            again = arrival + self._link.random.random() * (faults.delay + faults.jitter)
            heapq.heappush(self._arriving, (again, next(self._order), item))

    def _arm(self, now: float) -> None:
        """Schedule one timer for the earliest departure or arrival."""
        if self._link.held or self.closed or not (self._departing or self._arriving):
            return
        when = self._arriving[0][0] if self._arriving else self._departing[0][0]
        if self._departing and self._departing[0][0] < when:
            when = self._departing[0][0]
        if self._handle is not None:
            if when >= self._armed_for:
                return
            self._handle.cancel()
        self._armed_for = when
        self._handle = self._loop.call_soon(self._run) if when <= now else self._loop.call_at(when, self._run)

    def _run(self) -> None:
        self._handle = None
        if self._link.held:
            return
        now = max(self._loop.time(), self._armed_for)
        departed = False
        while self._departing and self._departing[0][0] <= now:
            self.buffered_amount -= self._departing.popleft()[1]
            departed = True
        due: list[T] = []
        while self._arriving and self._arriving[0][0] <= now:
            due.append(heapq.heappop(self._arriving)[2])
        for item in due:
            if self.closed:
                return
            self._guard(self._deliver, item)
        if departed:
            self._guard(self.on_sent)
        self._arm(now)

    def _guard(self, call: Callable[..., None], *arguments: T) -> None:
        """Call a receiver; log its exception so that the pipe keeps running."""
        try:
            call(*arguments)
        except Exception:
            logger.exception("a receiver of an in-memory link raised an exception")
