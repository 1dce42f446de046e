"""Streams of those who have left: news of a leave overtakes the packets that were sent before it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from livekit.streams.reassembly import IncomingStreams

GRACE = 0.5
"""Seconds without a packet of a stream whose sender has left, until it is given up."""


class SenderGrace:
    """Gives up the streams of who has left once nothing more comes of them."""

    def __init__(self, streams: IncomingStreams) -> None:
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def left(self, sender: str) -> None:
        self._wait(sender, self._streams.progress(sender))

    def close(self) -> None:
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
        now = self._streams.progress(sender)
        going_on = {stream_id: now[stream_id] for stream_id, seen in before.items() if now.get(stream_id, seen) > seen}
        for stream_id in before.keys() & now.keys() - going_on.keys():
            self._streams.sender_left(sender, stream_id)
        self._wait(sender, going_on)
