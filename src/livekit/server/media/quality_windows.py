"""Windows for the quality of streams, taken from what was received and from what subscribers report."""

from __future__ import annotations

from typing import Final

from .forwarder import Forwarder
from .published_stream import PublishedStream
from .quality import UPDATE_INTERVAL, QualityWindow

__all__ = ["ForwardedWindows", "PublishedWindows"]

NO_REPORT_TIMEOUT: Final = 30.0
"""Seconds without a subscriber's report, while packets are sent to it, after which the connection is rated as poor."""


class PublishedWindows:
    """Windows of the link from the publisher."""

    def __init__(self, stream: PublishedStream) -> None:
        self._stream = stream
        self._expected = stream.reception.expected
        self._lost = stream.reception.lost

    def next(self, now: float) -> QualityWindow | None:
        """Return the window since the call before; None before the first packet."""
        stream, reception = self._stream, self._stream.reception
        if stream.last_packet_at is None:
            return None
        window = QualityWindow(
            packets=max(reception.expected - self._expected, 0),
            lost=reception.lost - self._lost,
            is_silent_source=stream.clock is not None and now - stream.clock.arrived > UPDATE_INTERVAL,
        )
        self._expected, self._lost = reception.expected, reception.lost
        return window


class ForwardedWindows:
    """Windows of the link to a subscriber; what was lost before it does not count."""

    def __init__(self, forwarder: Forwarder, now: float) -> None:
        self._forwarder = forwarder
        self._idle_since = now
        self._packets = forwarder.packets
        self._gaps = forwarder.gaps
        self._lost = forwarder.remote.lost
        self._reported_at = forwarder.remote.received_at

    def next(self, now: float) -> QualityWindow | None:
        """Return the window since the call before; None if nothing was sent, or not yet reported on."""
        forwarder, remote = self._forwarder, self._forwarder.remote
        if forwarder.packets == self._packets:
            self._idle_since = now
            return None
        if remote.received_at is None or remote.received_at == self._reported_at:
            silent_since = max(self._idle_since, remote.received_at or 0.0)
            return QualityWindow(0, 0) if now - silent_since > NO_REPORT_TIMEOUT else None
        gaps = forwarder.gaps - self._gaps
        window = QualityWindow(forwarder.packets - self._packets + gaps, remote.lost - self._lost - gaps)
        self._packets, self._gaps = forwarder.packets, forwarder.gaps
        self._lost, self._reported_at = remote.lost, remote.received_at
        return window
