"""Receives a track's audio over a transceiver and plays it to sinks, 10 ms at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from .block import AudioSink

if TYPE_CHECKING:
    from livekit.stats import RtcStats
    from livekit.webrtc.media_interfaces import Transceiver
    from livekit.webrtc.rtp.rtcp import RtcpPacket

__all__ = ["AudioReceiver", "OpenFrame"]

OpenFrame: TypeAlias = Callable[[bytes, int, int], "bytes | None"]
"""Decrypts an Opus packet with this SSRC and RTP timestamp; None if that fails, and it is played as silence."""


class AudioReceiver:
    """Receives one track; satisfies `livekit.media.audio.block.AudioFeed`."""

    transform: OpenFrame | None = None
    """Set to decrypt frames."""

    def __init__(
        self, transceiver: Transceiver | None = None, *, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        """Receive from `transceiver`, whose `on_packet` is taken over until `replace_transceiver` or `close`."""
        raise NotImplementedError

    def add_sink(self, sample_rate: int, channels: int, sink: AudioSink) -> None:
        """Call `sink` with a block each 10 ms from now on, zeros while there is no sound.

        Raises:
            ValueError: The rate or the channel count is not possible.
            OpusNotFoundError: There is no libopus.
        """
        raise NotImplementedError

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        raise NotImplementedError

    def replace_transceiver(self, transceiver: Transceiver | None) -> None:
        """Go on with the packets of another transceiver, without a gap in the blocks. With None, blocks stop until
        there is one again, as after `set_subscribed(False)`."""
        raise NotImplementedError

    def receive_rtcp(self, packets: Sequence[object], now: float) -> None:
        """Take the peer's reports; packets about other sources are ignored."""
        raise NotImplementedError

    def reports(self, now: float) -> Sequence[RtcpPacket]:
        """Return the receiver report that is due at `now`; empty before the first packet."""
        raise NotImplementedError

    def stats(self, now: float) -> list[RtcStats]:
        """Return codec, inbound_rtp and, after the first sender report, remote_outbound_rtp."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop for good: no more blocks. May be called again."""
        raise NotImplementedError
