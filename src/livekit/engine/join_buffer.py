"""Buffers the signals and packets of a new session until the room has processed the join. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from livekit.protocol import rtc

__all__ = ["JoinBuffer"]

logger = logging.getLogger("livekit.engine")


class JoinBuffer:
    """Holds back signals and packets until `release`. Discarded with its session: the server retransmits packets
    that were not acknowledged."""

    def __init__(self, on_signal: Callable[[rtc.SignalResponse], None], on_data: Callable[[bytes], None]) -> None:
        self._on_signal = on_signal
        self._on_data = on_data
        self._buffered: list[Callable[[], None]] | None = []

    def receive_signal(self, message: rtc.SignalResponse) -> None:
        if self._buffered is None:
            self._on_signal(message)
        else:
            self._buffered.append(partial(self._on_signal, message))

    def receive_data(self, data: bytes) -> None:
        if self._buffered is None:
            self._on_data(data)
        else:
            self._buffered.append(partial(self._on_data, data))

    def release(self) -> None:
        """Deliver the buffered messages, and pass on later ones immediately."""
        buffered, self._buffered = self._buffered, None
        for deliver in buffered or ():
            try:
                deliver()
            except Exception:
                logger.exception("an engine listener raised")
