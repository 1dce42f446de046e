"""A seeded network emulator: links that delay, lose, duplicate and reorder datagrams.

:class:`Network` joins two sans-I/O protocol cores on a virtual clock. All randomness comes from one seed, so that a
run can be repeated exactly::

    network = Network(client, server, seed=7, link=LinkOptions(delay=0.05, loss=0.3))
    network.run(until=lambda: finished, limit=60.0)

`livekit.testing.NetworkRelay` puts the same links between real processes.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

__all__ = ["Endpoint", "Link", "LinkOptions", "Network"]


MIN_REORDER_DELAY = 0.005
"""Minimum extra delay of a reordered datagram in seconds, so that later ones can overtake it."""

T = TypeVar("T")
Datagram = TypeVar("Datagram", bound=Sized)


class Endpoint(Protocol[Datagram]):
    """A sans-I/O protocol core, driven by datagrams and time.

    A datagram is bytes, or an object whose length is its size in bytes, such as one with its addresses.
    """

    def receive_datagram(self, data: Datagram, now: float, /) -> object: ...

    def datagrams_to_send(self, now: float, /) -> Sequence[Datagram]: ...

    def next_timer(self) -> float | None: ...

    def handle_timer(self, now: float, /) -> object: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkOptions:
    """Impairments of one direction. Times are seconds, sizes bytes, probabilities 0 to 1.

    Raises:
        ValueError: A value is out of range.
    """

    delay: float = 0.0
    """Propagation delay."""
    jitter: float = 0.0
    """Maximum additional delay, uniformly distributed. Jitter above the interval of datagrams reorders them."""
    loss: float = 0.0
    """Probability that a datagram is lost."""
    loss_burst: float = 1.0
    """Mean number of consecutive losses; 1 for independent losses."""
    duplicate: float = 0.0
    """Probability that a datagram arrives twice."""
    reorder: float = 0.0
    """Probability that a datagram takes twice the delay, at least 5 ms more, so that later ones overtake it."""
    rate: float | None = None
    """Bandwidth in bytes per second; None for no limit."""
    queue: int = 256 * 1024
    """Size of the queue in front of a limited `rate`; datagrams that do not fit are dropped (tail drop)."""
    mtu: int | None = None
    """Longest datagram in bytes; longer ones are lost. None for no limit; 1472 for UDP over Ethernet."""

    def __post_init__(self) -> None:
        for name in ("delay", "jitter", "queue"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability: it must be from 0 to 1")
        for name in ("rate", "mtu"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be positive, or None for no limit")


class Link(Generic[T]):
    """One direction of a path: the fate of each datagram, and the datagrams in transit. It reads no clock."""

    def __init__(self, options: LinkOptions, rng: random.Random) -> None:
        self.options = options
        """May be replaced while datagrams are in transit."""
        self.is_down = False
        """The link loses everything."""
        self.sent = 0
        """Datagrams sent, lost ones included."""
        self.lost = 0
        """Datagrams lost or dropped."""
        self._rng = rng
        self._in_burst = False
        self._busy_until = 0.0
        self._in_transit: list[tuple[float, int, T]] = []
        self._sequence = 0

    def arrivals(self, size: int, now: float) -> list[float]:
        """Return the arrival times of a datagram of `size` bytes sent now: two if duplicated, none if lost."""
        self.sent += 1
        times = self._arrivals(size, now)
        self.lost += not times
        return times

    def send(self, item: T, size: int, now: float) -> None:
        """Send a datagram of `size` bytes, represented by `item`."""
        for arrival in self.arrivals(size, now):
            self._sequence += 1
            heapq.heappush(self._in_transit, (arrival, self._sequence, item))

    def receive(self, now: float) -> list[T]:
        """Return the datagrams that have arrived, in order of arrival."""
        arrived: list[T] = []
        while self._in_transit and self._in_transit[0][0] <= now:
            arrived.append(heapq.heappop(self._in_transit)[2])
        return arrived

    def queued_bytes(self, now: float) -> float:
        """Return the number of bytes queued for the `rate`."""
        return max(0.0, self._busy_until - now) * (self.options.rate or 0.0)

    def next_arrival(self) -> float | None:
        """Return the time of the next arrival, or None if no datagram is in transit."""
        return self._in_transit[0][0] if self._in_transit else None

    def _arrivals(self, size: int, now: float) -> list[float]:
        options = self.options
        if self.is_down or (options.mtu is not None and size > options.mtu):
            return []
        departure = max(now, self._busy_until)
        if options.rate is not None:
            if (departure - now) * options.rate + size > options.queue:
                return []
            departure += size / options.rate
            self._busy_until = departure
        if self._is_lost():
            return []
        return [departure + self._delay() for _ in range(1 + self._happens(options.duplicate))]

    def _delay(self) -> float:
        options = self.options
        delay = options.delay + self._rng.random() * options.jitter
        return delay + max(options.delay, MIN_REORDER_DELAY) if self._happens(options.reorder) else delay

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._rng.random() < probability

    def _is_lost(self) -> bool:
        """Step the Gilbert model: two states, of which the burst loses everything.

        The transition probabilities follow from the mean loss and the mean length of a burst.
        """
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


class Network(Generic[Datagram]):
    """Two endpoints, a link in each direction and one virtual clock."""

    def __init__(
        self,
        a: Endpoint[Datagram],
        b: Endpoint[Datagram],
        *,
        seed: int,
        link: LinkOptions | None = None,
        back: LinkOptions | None = None,
        now: float = 0.0,
    ) -> None:
        """Join `a` and `b`.

        Args:
            a: One endpoint.
            b: The other endpoint.
            seed: Seed of all randomness.
            link: Impairments from `a` to `b`; none by default.
            back: Impairments from `b` to `a`; the same as `link` by default.
            now: Start of the virtual clock, in seconds.
        """
        link = link or LinkOptions()
        rng = random.Random(seed)
        self.a = a
        self.b = b
        self.a_to_b: Link[Datagram] = Link(link, rng)
        self.b_to_a: Link[Datagram] = Link(back or link, rng)
        self.now = now
        """Virtual time in seconds; `run` advances it."""

    def set_link(self, link: LinkOptions) -> None:
        """Replace the impairments of both directions; datagrams in transit are not affected."""
        self.a_to_b.options = self.b_to_a.options = link

    def run(self, *, until: Callable[[], bool], limit: float) -> bool:
        """Advance the clock until the condition holds.

        Returns:
            False if the condition does not hold within `limit` seconds, or no event is left that could change it.
        """
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
        for endpoint in (self.a, self.b):
            timer = endpoint.next_timer()
            if timer is not None and timer <= self.now:
                endpoint.handle_timer(self.now)

    def _flush(self) -> None:
        for data in self.a.datagrams_to_send(self.now):
            self.a_to_b.send(data, len(data), self.now)
        for data in self.b.datagrams_to_send(self.now):
            self.b_to_a.send(data, len(data), self.now)
