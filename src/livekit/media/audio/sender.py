"""Sends the audio of a source over a transceiver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from livekit.stats import RtcStats
    from livekit.webrtc.media_interfaces import Transceiver
    from livekit.webrtc.rtp.rtcp import RtcpPacket

    from .source import AudioSource

__all__ = ["AudioSendOptions", "AudioSender", "SealFrame"]

SealFrame: TypeAlias = Callable[[bytes, int, int], "bytes | None"]
"""Encrypts an Opus packet with this SSRC and RTP timestamp; None drops it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioSendOptions:
    """How a track's audio is encoded and sent."""

    bitrate: int = 48_000
    """Bits per second."""
    dtx: bool = True
    """Send a packet each 400 ms instead of each 20 ms in silence."""
    red: bool = True
    """Repeat the frame before in each packet (RFC 2198), if the peer negotiated it and frames are not encrypted."""
    stereo: bool = False
    """Encode two channels."""
    inband_fec: bool = True
    """Let libopus put a coarse copy of the frame before into packets while the peer reports loss."""


class AudioSender:
    """Sends a source's audio from `start` to `stop`."""

    transform: SealFrame | None = None
    """Set to encrypt frames; they are then sent without redundancy."""

    def __init__(
        self,
        source: AudioSource,
        transceiver: Transceiver,
        options: AudioSendOptions | None = None,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Create a sender, which sends nothing yet.

        Raises:
            OpusNotFoundError: There is no libopus.
        """
        raise NotImplementedError

    def start(self) -> None:
        """Send from now on; packets are dropped while the transceiver is not negotiated."""
        raise NotImplementedError

    def stop(self) -> None:
        """Send nothing any more. May be called again."""
        raise NotImplementedError

    @property
    def muted(self) -> bool:
        """True while nothing is sent although the source goes on."""
        raise NotImplementedError

    @muted.setter
    def muted(self, muted: bool) -> None:
        raise NotImplementedError

    def replace_transceiver(self, transceiver: Transceiver) -> None:
        """Go on over another transceiver, with its SSRC."""
        raise NotImplementedError

    def receive_rtcp(self, packets: Sequence[object], now: float) -> None:
        """Take the peer's reports; packets about other sources are ignored."""
        raise NotImplementedError

    def reports(self, now: float) -> Sequence[RtcpPacket]:
        """Return the sender report that is due at `now`; empty before the first packet."""
        raise NotImplementedError

    def stats(self, now: float) -> list[RtcStats]:
        """Return codec, outbound_rtp, media_source and, after the peer's first report, remote_inbound_rtp."""
        raise NotImplementedError
