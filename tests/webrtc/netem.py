"""A seeded network between two sans-I/O ends: loss, delay, reordering and duplication on a virtual clock."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count


@dataclass
class Link:
    """How datagrams travel one way."""

    loss: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0
    duplicate: float = 0.0


@dataclass
class Network:
    """Carries datagrams and time between ends that `run` polls."""

    seed: int
    link: Link = field(default_factory=Link)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._queue: list[tuple[float, int, Callable[[float], object]]] = []
        self._order = count()

    def carry(self, deliver: Callable[[float], object]) -> None:
        """Put one datagram on the way; `deliver(now)` is called as often as it arrives."""
        copies = 1 + (self.random.random() < self.link.duplicate)
        for _ in range(copies):
            if self.random.random() >= self.link.loss:
                at = self.now + self.link.delay + self.random.random() * self.link.jitter
                heapq.heappush(self._queue, (at, next(self._order), deliver))

    def run(
        self,
        poll: Callable[[], object],
        timers: Callable[[], list[float | None]],
        fire: Callable[[float], object],
        *,
        until: Callable[[], bool],
        limit: float = 60.0,
    ) -> bool:
        """Run until the condition holds (True) or `limit` seconds have passed or nothing is left to happen (False)."""
        end = self.now + limit
        poll()
        while not until():
            times = [time for time in timers() if time is not None]
            if self._queue:
                times.append(self._queue[0][0])
            if not times or min(times) > end:
                self.now = end
                return until()
            self.now = max(self.now, min(times))
            while self._queue and self._queue[0][0] <= self.now:
                heapq.heappop(self._queue)[2](self.now)
            fire(self.now)
            poll()
        return True
