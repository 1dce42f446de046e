"""A network in virtual time: two ends without I/O, joined by links that delay, lose, duplicate and reorder.

Everything random comes from one seed, so that a run can be repeated exactly::

    network = Network(client, server, seed=7, link=LinkOptions(delay=0.05, loss=0.3))
    network.run(until=lambda: finished, limit=60.0)
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Endpoint", "Link", "LinkOptions", "Network"]


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
    """Probability that a datagram takes twice the delay, so that later ones overtake it."""
    rate: float | None = None
    """Bytes per second; None for no limit."""
    queue: int = 256 * 1024
    """Bytes that may wait for the rate; what comes then is lost."""
    mtu: int | None = None
    """Bytes of the longest datagram that passes; longer ones are lost. None for no limit."""


class Link:
    """One direction."""

    def __init__(self, options: LinkOptions, rng: random.Random) -> None:
        self.options = options
        """May be replaced while datagrams travel."""
        self.sent = 0
        self.lost = 0
        self._rng = rng
        self._in_burst = False
        self._busy_until = 0.0
        self._travelling: list[tuple[float, int, bytes]] = []

    def send(self, data: bytes, now: float) -> None:
        """Put a datagram on the way."""
        self.sent += 1
        options = self.options
        if options.mtu is not None and len(data) > options.mtu:
            self.lost += 1
            return
        leaves = max(now, self._busy_until)
        if options.rate is not None:
            if (leaves - now) * options.rate + len(data) > options.queue:
                self.lost += 1
                return
            leaves += len(data) / options.rate
            self._busy_until = leaves
        if self._loses():
            self.lost += 1
            return
        for _ in range(1 + self._happens(options.duplicate)):
            delay = options.delay * (1 + self._happens(options.reorder)) + self._rng.random() * options.jitter
            heapq.heappush(self._travelling, (leaves + delay, self.sent, data))

    def receive(self, now: float) -> list[bytes]:
        """The datagrams that have arrived, in the order in which they did."""
        arrived: list[bytes] = []
        while self._travelling and self._travelling[0][0] <= now:
            arrived.append(heapq.heappop(self._travelling)[2])
        return arrived

    def next_arrival(self) -> float | None:
        """When the next datagram arrives; None if none travels."""
        return self._travelling[0][0] if self._travelling else None

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
        self.a_to_b = Link(link, rng)
        self.b_to_a = Link(back or link, rng)
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
            self.a_to_b.send(data, self.now)
        for data in self.b.datagrams_to_send(self.now):
            self.b_to_a.send(data, self.now)
