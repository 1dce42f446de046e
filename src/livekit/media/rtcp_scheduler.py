"""Sends the RTCP reports of one peer connection and dispatches those of the peer."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from livekit._util.callbacks import ignore
from livekit.webrtc.rtp.rtcp import ReceiverReport, SenderReport, SourceDescription

if TYPE_CHECKING:
    from livekit.webrtc.media_interfaces import MediaConnection
    from livekit.webrtc.rtp.rtcp import RtcpPacket, TransportWideFeedback

__all__ = ["ReportSource", "RtcpScheduler"]

logger = logging.getLogger("livekit")

INTERVAL = 2.0
"""Seconds between reports on average; each is 0.5 to 1.5 times that (RFC 3550 section 6.3.1)."""
FIRST_INTERVAL = 0.5
"""Until the first report: the peer measures the round trip with it."""
REPORTS_PER_PACKET = 20
"""Reports of one compound packet, which stays below 1,200 bytes."""


class ReportSource(Protocol):
    """A sender or receiver that has reports."""

    def receive_rtcp(self, packets: Sequence[object], now: float) -> None: ...
    def reports(self, now: float) -> Sequence[RtcpPacket]: ...


class RtcpScheduler:
    """Exchanges the reports of a peer connection's senders and receivers, at random intervals (RFC 3550 6.2)."""

    def __init__(
        self, connection: MediaConnection, cname: str, *, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        """Take over `connection.on_rtcp`. `cname` names the sources of this participant (RFC 7022)."""
        self._connection = connection
        self._cname = cname
        self._loop = loop or asyncio.get_running_loop()
        self._sources: list[ReportSource] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        connection.on_rtcp = self._receive

    def add(self, source: ReportSource) -> None:
        """Report on `source` from now on. The timer runs while there is one."""
        if self._closed:
            return
        self._sources.append(source)
        if self._timer is None:
            self._schedule(FIRST_INTERVAL)

    def remove(self, source: ReportSource) -> None:
        """Stop reporting on `source`; unknown ones are ignored."""
        self._sources = [kept for kept in self._sources if kept is not source]
        if not self._sources:
            self._cancel()

    def close(self) -> None:
        """Stop for good. May be called again."""
        if not self._closed:
            self._closed = True
            self._sources = []
            self._cancel()
            self._connection.on_rtcp = ignore

    def _receive(self, packets: Sequence[RtcpPacket | TransportWideFeedback]) -> None:
        now = self._loop.time()
        for source in self._sources:
            source.receive_rtcp(packets, now)

    def _schedule(self, interval: float) -> None:
        self._timer = self._loop.call_later(interval * random.uniform(0.5, 1.5), self._report)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _report(self) -> None:
        self._schedule(INTERVAL)
        now = self._loop.time()
        reports = [report for source in self._sources for report in source.reports(now)]
        for start in range(0, len(reports), REPORTS_PER_PACKET):
            part = reports[start : start + REPORTS_PER_PACKET]
            sources = dict.fromkeys(
                report.ssrc for report in part if isinstance(report, (SenderReport, ReceiverReport))
            )
            names = SourceDescription(tuple((ssrc, self._cname) for ssrc in sources))
            self._connection.send_rtcp([*part, names])
