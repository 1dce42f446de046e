"""What comes over a link, held back until the room has been told that we joined."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from livekit.protocol import rtc

__all__ = ["JoinBuffer"]

logger = logging.getLogger("livekit.engine")


class JoinBuffer:
    """A gate before a session. What it holds is dropped with it: a server sends again what was not confirmed."""

    def __init__(self, signal: Callable[[rtc.SignalResponse], None], receive: Callable[[bytes], None]) -> None:
        self._signal = signal
        self._receive = receive
        self._held: list[Callable[[], None]] | None = []

    def signal(self, message: rtc.SignalResponse) -> None:
        if self._held is None:
            self._signal(message)
        else:
            self._held.append(partial(self._signal, message))

    def receive(self, data: bytes) -> None:
        if self._held is None:
            self._receive(data)
        else:
            self._held.append(partial(self._receive, data))

    def open(self) -> None:
        """Let through what was held, and whatever comes from now on."""
        held, self._held = self._held, None
        for deliver in held or ():
            try:
                deliver()
            except Exception:
                logger.exception("a session's listener failed")
