"""Grace period for the streams of participants that left: the leave may overtake packets sent before it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from livekit.streams.reassembly import StreamReassembler

GRACE = 0.5
"""Seconds without a chunk after which a stream fails, once its sender has left."""


class SenderGrace:
    """Fails the streams of participants that left once no more chunks arrive."""

    def __init__(self, streams: StreamReassembler) -> None:
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def left(self, sender: str) -> None:
        """Start the grace period of a sender's open streams."""
        self._wait(sender, self._streams.chunk_counts(sender))

    def close(self) -> None:
        """Cancel all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _wait(self, sender: str, streams: Mapping[str, int]) -> None:
        earlier = self._timers.pop(sender, None)
        if earlier is not None:
            earlier.cancel()
        if streams:
            self._timers[sender] = self._loop.call_later(GRACE, self._check, sender, streams)

    def _check(self, sender: str, before: Mapping[str, int]) -> None:
        now = self._streams.chunk_counts(sender)
        progressing = {
            stream_id: now[stream_id] for stream_id, count in before.items() if now.get(stream_id, count) > count
        }
        for stream_id in before.keys() & now.keys() - progressing.keys():
            self._streams.sender_left(sender, stream_id)
        self._wait(sender, progressing)
