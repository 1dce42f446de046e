"""Sends the audio of a source over a transceiver."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from livekit.media.codecs.libopus import load_opus
from livekit.media.codecs.opus_packet import CLOCK_RATE
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI
from livekit.webrtc.rtp.remote_reception import RemoteReception
from livekit.webrtc.rtp.rtcp import ReceiverReport, SenderReport

from .block import AudioBlock
from .encoder import AudioEncoder, EncodedFrame
from .packetizer import AudioPacketizer, PayloadTypes

if TYPE_CHECKING:
    from livekit.stats import RtcStats
    from livekit.webrtc.media_interfaces import Codec, Transceiver
    from livekit.webrtc.rtp.rtcp import RtcpPacket

    from .source import AudioSource

__all__ = ["AudioSendOptions", "AudioSender", "SealFrame"]

SealFrame: TypeAlias = Callable[[bytes, int, int], "bytes | None"]
"""Encrypts an Opus packet with this SSRC and RTP timestamp; None drops it."""
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioSendOptions:
    """Options of the encoding and transmission of a track's audio."""

    bitrate: int = 48_000
    """Bits per second."""
    dtx: bool = True
    """Send a packet each 400 ms instead of each 20 ms in silence."""
    red: bool = True
    """Repeat the frame before in each packet (RFC 2198), if the peer negotiated it and frames are not encrypted."""
    stereo: bool = False
    """Encode two channels."""
    inband_fec: bool = True
    """Without redundancy: put a coarse copy of the frame before into packets while the peer reports loss."""


class AudioSender:
    """Sends a source's audio from `start` to `stop`."""

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
        load_opus()
        self.transform: SealFrame | None = None
        """Set to encrypt frames; they are then sent without redundancy."""
        self.options = options or AudioSendOptions()
        self._source = source
        self._transceiver = transceiver
        self._loop = loop or asyncio.get_running_loop()
        self._wall_clock_offset = time.time() - self._loop.time()
        self._started = False
        self._muted = False
        self._was_muted = False  # at the block before
        self._encoder = AudioEncoder(bitrate=self.options.bitrate, dtx=self.options.dtx, stereo=self.options.stereo)
        self._packetizer = AudioPacketizer(transceiver.ssrc)
        self._remote = RemoteReception(CLOCK_RATE)
        self._sent_at = 0.0  # when the last packet was sent
        self._codecs: Sequence[Codec] = ()
        self._types: PayloadTypes | None = None
        self._level_id: int | None = None

    def start(self) -> None:
        """Send from now on; packets are dropped while the transceiver is not negotiated."""
        if not self._started:
            self._started = True
            self._source.add_sink(self._on_block)

    def stop(self) -> None:
        """Send nothing any more. May be called again."""
        self._started = False
        self._source.remove_sink(self._on_block)

    @property
    def muted(self) -> bool:
        """True while silence is sent although the source goes on."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._muted = muted

    def replace_transceiver(self, transceiver: Transceiver) -> None:
        """Go on over another transceiver, with its SSRC."""
        if transceiver is not self._transceiver:
            self._transceiver = transceiver
            self._packetizer = AudioPacketizer(transceiver.ssrc)
            self._remote = RemoteReception(CLOCK_RATE)
            self._codecs, self._types = (), None

    # Sending

    def _on_block(self, block: AudioBlock) -> None:
        direction = self._transceiver.current_direction
        if direction is None or not direction.sends:
            return
        types = self._payload_types()
        if types is None:
            return
        if self._muted or self._was_muted:
            block = self._mute(block)
        uses_red = types.red is not None and self.transform is None
        self._encoder.expect_loss(
            0.0 if uses_red else self._remote.fraction_lost, use_fec=self.options.inband_fec and not uses_red
        )
        for frame in self._encoder.encode(block):
            self._send(frame, types)

    def _payload_types(self) -> PayloadTypes | None:
        codecs = self._transceiver.current_codecs
        if codecs is not self._codecs:
            self._codecs = codecs
            types = PayloadTypes.of(codecs)
            self._types = types if types is None or self.options.red else replace(types, red=None)
            self._level_id = self._transceiver.extension_id(AUDIO_LEVEL_URI)
        return self._types

    def _mute(self, block: AudioBlock) -> AudioBlock:
        """Return silence, or a fade to or from it where `muted` has changed."""
        muted, was_muted = self._muted, self._was_muted
        self._was_muted = muted
        pcm = bytes(len(block.pcm)) if muted and was_muted else _fade(block, out=muted)
        return replace(block, pcm=pcm)

    def _send(self, frame: EncodedFrame, types: PayloadTypes) -> None:
        packet = self._packetizer.packetize(frame, types, level_id=self._level_id, seal=self.transform)
        if packet is not None:
            self._sent_at = self._loop.time()
            self._transceiver.send(packet)

    # Reports

    def receive_rtcp(self, packets: Sequence[object], now: float) -> None:
        """Take the peer's reports, which arrived at `now`; packets about other sources are ignored."""
        for packet in packets:
            if isinstance(packet, (SenderReport, ReceiverReport)):
                for block in packet.blocks:
                    if block.ssrc == self._packetizer.ssrc:
                        self._remote.receive(block, now)

    def reports(self, now: float) -> Sequence[RtcpPacket]:
        """Return the sender report that is due at `now`; empty before the first packet."""
        packetizer = self._packetizer
        if not packetizer.packets or not self._started:
            return ()
        seconds = now + self._wall_clock_offset + NTP_EPOCH
        ntp_timestamp = int(seconds) << 32 | int(seconds % 1 * (1 << 32))
        self._remote.sent_report(ntp_timestamp, now)
        report = SenderReport(
            ssrc=packetizer.ssrc,
            ntp_timestamp=ntp_timestamp,
            rtp_timestamp=(packetizer.timestamp + round((now - self._sent_at) * CLOCK_RATE)) & 0xFFFF_FFFF,
            packet_count=packetizer.packets & 0xFFFF_FFFF,
            octet_count=packetizer.payload_bytes & 0xFFFF_FFFF,
        )
        return (report,)

    def stats(self, now: float) -> list[RtcStats]:
        """Return codec, outbound_rtp, media_source and, after the peer's first report, remote_inbound_rtp."""
        from .sender_stats import sender_stats

        return sender_stats(
            self._packetizer,
            self._encoder.meter,
            self._remote,
            codec=next((codec for codec in self._codecs if codec.name.lower() == "opus"), None),
            mid=self._transceiver.mid or "",
            bitrate=self.options.bitrate,
            active=self._started and not self._muted,
            timestamp=round((now + self._wall_clock_offset) * 1000),
        )


def _fade(block: AudioBlock, *, out: bool) -> bytes:
    samples = array("h", block.pcm)
    last = len(samples) // block.channels
    return array(
        "h",
        [
            sample * (last - n // block.channels if out else n // block.channels) // last
            for n, sample in enumerate(samples)
        ],
    ).tobytes()
