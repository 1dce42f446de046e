"""Sends the RTCP reports of one peer connection and dispatches those of the peer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from livekit.webrtc.media_interfaces import MediaConnection
    from livekit.webrtc.rtp.rtcp import RtcpPacket

__all__ = ["ReportSource", "RtcpScheduler"]


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
        raise NotImplementedError

    def add(self, source: ReportSource) -> None:
        """Report on `source` from now on. The timer runs while there is one."""
        raise NotImplementedError

    def remove(self, source: ReportSource) -> None:
        """Stop reporting on `source`; unknown ones are ignored."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop for good. May be called again."""
        raise NotImplementedError
