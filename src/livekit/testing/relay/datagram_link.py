"""A link in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from livekit.testing.netem import Link

__all__ = ["DatagramLink", "Deliver"]

Deliver = Callable[[], None]
"""What is called when a datagram arrives."""


class DatagramLink:
    """Calls when something arrives over a link; several senders may share it, and its rate with it."""

    def __init__(self, link: Link[Deliver]) -> None:
        self.link = link
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, data: bytes, deliver: Callable[[bytes], None]) -> None:
        """Put a datagram on the way to `deliver`."""
        now = self._loop.time()
        self.link.send(partial(deliver, data), len(data), now)
        self._pass_on(now)

    def close(self) -> None:
        """Drop what is on its way."""
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
