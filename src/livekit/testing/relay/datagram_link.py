"""An emulated link driven by the event loop's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from livekit.testing.netem import Link

__all__ = ["DatagramLink", "Deliver"]

Deliver = Callable[[], None]
"""Called when a datagram arrives."""


class DatagramLink:
    """Delivers datagrams over an emulated link in real time; senders that share the link share its rate."""

    def __init__(self, link: Link[Deliver]) -> None:
        self.link = link
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, data: bytes, deliver: Callable[[bytes], None]) -> None:
        """Send a datagram; `deliver` is called when it arrives."""
        now = self._loop.time()
        self.link.send(partial(deliver, data), len(data), now)
        self._pass_on(now)

    def close(self) -> None:
        """Drop all datagrams in flight."""
        if self._timer is not None:
            self._timer.cancel()
        self.link.receive(float("inf"))

    def _run(self) -> None:
        assert self._timer is not None
        self._pass_on(max(self._loop.time(), self._timer.when()))

    def _pass_on(self, now: float) -> None:
        for deliver in self.link.receive(now):
            deliver()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        arrival = self.link.next_arrival()
        if arrival is not None:
            self._timer = self._loop.call_at(arrival, self._run)
