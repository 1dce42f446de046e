"""Bad links between a server and a receiver, in user space."""

from __future__ import annotations

import random
from collections.abc import Callable

from livekit.testing import LinkOptions
from livekit.testing.netem import Link
from livekit.testing.relay.datagram_link import Deliver

Fate = Callable[["MediaLink", float], "float | None"]
"""Returns the delay in seconds of a datagram sent now, or None if it is lost."""


class MediaLink(Link[Deliver]):
    """A link that delivers at once until `fate` is set."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        super().__init__(LinkOptions(), self.random)
        self.fate: Fate | None = None
        self.burst = 0
        """Datagrams that are still to be lost."""
        self.last_arrival = 0.0

    def arrivals(self, size: int, now: float) -> list[float]:
        self.sent += 1
        delay = 0.0 if self.fate is None else self.fate(self, now)
        if delay is None:
            self.lost += 1
            return []
        self.last_arrival = now + delay
        return [now + delay]


def loss(share: float) -> Fate:
    """Lose datagrams independently."""
    return lambda link, now: None if link.random.random() < share else 0.0


def bursts(share: float, length: int) -> Fate:
    """Lose datagrams in bursts of one length."""

    def fate(link: MediaLink, now: float) -> float | None:
        if not link.burst and link.random.random() < share / length:
            link.burst = length
        if link.burst:
            link.burst -= 1
            return None
        return 0.0

    return fate


def jitter(mean: float, deviation: float) -> Fate:
    """Delay datagrams by a normal distribution, in order."""

    def fate(link: MediaLink, now: float) -> float:
        delay = max(link.random.gauss(mean, deviation), 0.0)
        return max(now + delay, link.last_arrival) - now

    return fate


def reorder(share: float, base: float, more: float) -> Fate:
    """Delay all datagrams, and some of them longer, so that others overtake them."""
    return lambda link, now: base + (more if link.random.random() < share else 0.0)


LINKS: dict[str, Fate | None] = {
    "clean": None,
    "loss 5 %": loss(0.05),
    "loss 20 %": loss(0.2),
    "bursts of 5, 5 %": bursts(0.05, 5),
    "jitter N(60, 40) ms": jitter(0.06, 0.04),
    "reorder 10 % by 30 ms": reorder(0.1, 0.01, 0.03),
}
