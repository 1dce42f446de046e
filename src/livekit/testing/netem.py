"""Links that delay, lose, duplicate and reorder, and a network of them in virtual time between two ends without I/O.

Everything random comes from one seed, so that a run can be repeated exactly::

    network = Network(client, server, seed=7, link=LinkOptions(delay=0.05, loss=0.3))
    network.run(until=lambda: finished, limit=60.0)

The same links between real processes: `livekit.testing.NetworkRelay`.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

__all__ = ["Endpoint", "Link", "LinkOptions", "Network"]


REORDER_DELAY = 0.005
"""Seconds; the least that a datagram must be late for others to overtake it."""

T = TypeVar("T")


class Endpoint(Protocol):
    """A protocol core that is driven by datagrams and time."""

    def receive_datagram(self, data: bytes, now: float) -> None: ...

    def datagrams_to_send(self, now: float) -> list[bytes]: ...

    def next_timer(self) -> float | None: ...

    def handle_timer(self, now: float) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkOptions:
    """How datagrams travel one way. Probabilities are 0 to 1."""

    delay: float = 0.0
    """Seconds that every datagram takes."""
    jitter: float = 0.0
    """Up to so many seconds more, evenly distributed; more than the time between two datagrams reorders them."""
    loss: float = 0.0
    """Share of the datagrams that is lost."""
    loss_burst: float = 1.0
    """Mean number of datagrams that are lost in a row; 1 loses each on its own."""
    duplicate: float = 0.0
    """Probability that a datagram arrives twice."""
    reorder: float = 0.0
    """Probability that a datagram takes twice the delay, at least 5 ms more, so that later ones overtake it."""
    rate: float | None = None
    """Bytes per second; None for no limit."""
    queue: int = 256 * 1024
    """Bytes that may wait for the rate; what comes then is lost."""
    mtu: int | None = None
    """Bytes of the longest datagram that passes; longer ones are lost. None for no limit; over Ethernet it is 1472."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        for name in ("delay", "jitter", "queue"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability: from 0 to 1")
        for name in ("rate", "mtu"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be positive, or None for no limit")


class Link(Generic[T]):
    """One direction. It decides what happens to each datagram, and holds those under way; it has no clock."""

    def __init__(self, options: LinkOptions, rng: random.Random) -> None:
        self.options = options
        """May be replaced while datagrams travel."""
        self.is_down = False
        """Nothing gets through: everything is lost."""
        self.sent = 0
        self.lost = 0
        self._rng = rng
        self._in_burst = False
        self._busy_until = 0.0
        self._travelling: list[tuple[float, int, T]] = []
        self._order = 0

    def arrivals(self, size: int, now: float) -> list[float]:
        """When a datagram of `size` bytes that is sent now arrives: twice if it is doubled, never if it is lost."""
        self.sent += 1
        times = self._arrivals(size, now)
        self.lost += not times
        return times

    def send(self, item: T, size: int, now: float) -> None:
        """Put a datagram on the way: whatever stands for one of `size` bytes."""
        for arrival in self.arrivals(size, now):
            self._order += 1
            heapq.heappush(self._travelling, (arrival, self._order, item))

    def receive(self, now: float) -> list[T]:
        """The datagrams that have arrived, in the order in which they did."""
        arrived: list[T] = []
        while self._travelling and self._travelling[0][0] <= now:
            arrived.append(heapq.heappop(self._travelling)[2])
        return arrived

    def waiting(self, now: float) -> float:
        """Bytes that wait for the rate."""
        return max(0.0, self._busy_until - now) * (self.options.rate or 0.0)

    def next_arrival(self) -> float | None:
        """When the next datagram arrives; None if none travels."""
        return self._travelling[0][0] if self._travelling else None

    def _arrivals(self, size: int, now: float) -> list[float]:
        options = self.options
        if self.is_down or (options.mtu is not None and size > options.mtu):
            return []
        leaves = max(now, self._busy_until)
        if options.rate is not None:
            if (leaves - now) * options.rate + size > options.queue:
                return []
            leaves += size / options.rate
            self._busy_until = leaves
        if self._loses():
            return []
        return [leaves + self._delay() for _ in range(1 + self._happens(options.duplicate))]

    def _delay(self) -> float:
        options = self.options
        delay = options.delay + self._rng.random() * options.jitter
        return delay + max(options.delay, REORDER_DELAY) if self._happens(options.reorder) else delay

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._rng.random() < probability

    def _loses(self) -> bool:
        """Two states (Gilbert): in a burst all is lost; the chances to enter and to leave follow from the options."""
        loss, burst = self.options.loss, max(self.options.loss_burst, 1.0)
        if loss <= 0 or loss >= 1:
            self._in_burst = loss >= 1
        elif burst == 1:
            self._in_burst = self._happens(loss)
        elif self._in_burst:
            self._in_burst = not self._happens(1 / burst)
        else:
            self._in_burst = self._happens(loss / (1 - loss) / burst)
        return self._in_burst


class Network:
    """Two ends, a link each way and one virtual clock."""

    def __init__(
        self,
        a: Endpoint,
        b: Endpoint,
        *,
        seed: int,
        link: LinkOptions | None = None,
        back: LinkOptions | None = None,
        now: float = 0.0,
    ) -> None:
        """`link` is the way from `a` to `b`; `back` the other way, like `link` unless given."""
        link = link or LinkOptions()
        rng = random.Random(seed)
        self.a = a
        self.b = b
        self.a_to_b: Link[bytes] = Link(link, rng)
        self.b_to_a: Link[bytes] = Link(back or link, rng)
        self.now = now
        """Seconds; advanced by `run`."""

    def run(self, *, until: Callable[[], bool], limit: float) -> bool:
        """Let time pass until the condition holds; False if it does not within `limit` seconds, or never could."""
        end = self.now + limit
        self._flush()
        while not until():
            upcoming = self._next_event()
            if upcoming is None or upcoming > end:
                self.now = end
                return False
            self.now = max(self.now, upcoming)
            self._deliver()
            self._flush()
        return True

    def _next_event(self) -> float | None:
        candidates = (
            self.a_to_b.next_arrival(),
            self.b_to_a.next_arrival(),
            self.a.next_timer(),
            self.b.next_timer(),
        )
        return min((time for time in candidates if time is not None), default=None)

    def _deliver(self) -> None:
        for data in self.a_to_b.receive(self.now):
            self.b.receive_datagram(data, self.now)
        for data in self.b_to_a.receive(self.now):
            self.a.receive_datagram(data, self.now)
        for end in (self.a, self.b):
            timer = end.next_timer()
            if timer is not None and timer <= self.now:
                end.handle_timer(self.now)

    def _flush(self) -> None:
        for data in self.a.datagrams_to_send(self.now):
            self.a_to_b.send(data, len(data), self.now)
        for data in self.b.datagrams_to_send(self.now):
            self.b_to_a.send(data, len(data), self.now)
