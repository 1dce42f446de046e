"""One incoming RTP stream: what arrived of it, and what the publisher must be told about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from livekit.webrtc.media_interfaces import Codec, MediaKind
from livekit.webrtc.rtp.header_extensions import find_extension
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.reception import ReceptionStatistics
from livekit.webrtc.rtp.rtcp import Nack, PictureLossIndication, ReportBlock, RtcpPacket, SenderReport
from livekit.webrtc.serial_number import unwrap_16

from .key_frames import LOW_LAYER_INTERVAL, KeyFrameRequests, starts_key_frame
from .positions import Positions
from .rates import RateMeter
from .retransmission import LostPackets, PacketBuffer
from .speakers import AudioLevelMeter

__all__ = ["PublishedStream", "SenderClock", "StreamStats"]


class SenderClock(NamedTuple):
    """The relation of a sender's clocks, from its last sender report."""

    ntp_timestamp: int
    """64 bits: seconds since 1900 and their fraction, by the sender's clock."""
    rtp_timestamp: int
    arrived: float
    """When the report arrived, in seconds."""


@dataclass(frozen=True, slots=True)
class StreamStats:
    """Counters of an incoming or outgoing stream."""

    packets: int
    bytes: int
    """Payload bytes."""
    lost: int
    """Packets lost on the way here, or on the way to the subscriber; negative with many duplicates."""
    jitter: float
    """Interarrival jitter in seconds (RFC 3550)."""
    bitrate: float
    """Payload bits per second over the last one to two seconds."""
    round_trip_time: float | None = None
    """Seconds; None for an incoming stream, and before a subscriber's report."""


class PublishedStream:
    """Reception of one source (SSRC): positions, statistics, loss, key frames and audio level.

    Pass each packet to `receive`, and then with its position to the forwarders of the subscribers. `feedback` returns
    what is to be sent upstream about lost video; `reports.receiver_reports` makes the periodic reports.
    """

    def __init__(
        self,
        ssrc: int,
        kind: MediaKind,
        codecs: Sequence[Codec],
        *,
        rid: str = "",
        is_low_layer: bool = False,
        audio_level_id: int | None = None,
        now: float = 0.0,
    ) -> None:
        """`codecs` are those negotiated with the publisher, and must not be empty; `rid` names a layer of simulcast.

        `is_low_layer` marks the lowest layer, whose key frames may be requested more often. `audio_level_id` is the
        negotiated id of the header extension for audio levels.
        """
        self.ssrc = ssrc
        self.kind = kind
        self.codecs = tuple(codecs)
        self.rid = rid
        self.clock_rate = codecs[0].clock_rate
        self.is_video = kind is MediaKind.VIDEO
        self.codec_names = {codec.payload_type: codec.name for codec in codecs}
        self.reception = ReceptionStatistics(ssrc, self.clock_rate)
        self.clock: SenderClock | None = None
        """From the last sender report; None before the first."""
        self.last_packet_at: float | None = None
        self.newest = -1
        """The highest position so far."""
        self.level = AudioLevelMeter(self.clock_rate)
        """The level of the audio, from the header extension."""
        self.key_frames = KeyFrameRequests(LOW_LAYER_INTERVAL) if is_low_layer else KeyFrameRequests()
        self.buffer: PacketBuffer | None = PacketBuffer() if self.is_video else None
        """The last packets of video, to retransmit them."""
        self._lost = LostPackets()
        self._positions = Positions()
        self._audio_level_id = audio_level_id
        self._bitrate = RateMeter(now)

    def receive(self, packet: RtpPacket, now: float) -> int | None:
        """Account for a packet that arrived at `now`; return its position.

        None is for a packet that must not be forwarded: padding only, of a payload type that was not negotiated, a
        duplicate, older than the first, or stray.
        """
        payload = packet.payload
        is_padding = not payload or packet.payload_type not in self.codec_names
        self.reception.receive(packet.sequence_number, packet.timestamp, len(payload), now)
        self.last_packet_at = now
        position = self._positions.assign(packet.sequence_number, is_padding=is_padding)
        if position is not None and position > self.newest:
            self.newest = position
        if self.is_video:
            self._receive_video(packet, position, now)
        elif position is not None and self._audio_level_id is not None:
            level = find_extension(packet, self._audio_level_id)
            if level:
                self.level.observe(level[0] & 0x7F, packet.timestamp, now)  # RFC 6464 section 3
        return position

    def _receive_video(self, packet: RtpPacket, position: int | None, now: float) -> None:
        positions = self._positions
        if positions.missing:
            self._lost.add(positions.missing, now)
        if len(self._lost):
            self._lost.discard(unwrap_16(packet.sequence_number, positions.highest))
        if position is None:
            return
        if self.buffer is not None:
            self.buffer.add(position, packet)
        if self.key_frames.pending and self.starts_key_frame(packet):
            self.key_frames.receive_key_frame()

    def starts_key_frame(self, packet: RtpPacket) -> bool:
        """Return True for a packet at which a decoder of video can begin."""
        return starts_key_frame(self.codec_names.get(packet.payload_type, ""), packet.payload)

    def receive_sender_report(self, report: SenderReport, now: float) -> None:
        """Note the publisher's report about this source."""
        self.clock = SenderClock(report.ntp_timestamp, report.rtp_timestamp, now)
        self.reception.receive_sender_report(report.ntp_timestamp, now)

    def request_key_frame(self) -> None:
        """Want a key frame, for a new subscriber or after a subscriber's PLI or FIR; without effect on audio."""
        if self.is_video:
            self.key_frames.request()

    @property
    def needs_feedback(self) -> bool:
        """True while a key frame or a lost packet is awaited."""
        return self.key_frames.pending or len(self._lost) > 0

    def feedback(self, sender_ssrc: int, now: float) -> list[RtcpPacket]:
        """Return the requests for key frames and lost packets that are due."""
        packets: list[RtcpPacket] = []
        if self.key_frames.poll(now):
            packets.append(PictureLossIndication(sender_ssrc=sender_ssrc, media_ssrc=self.ssrc))
        if len(self._lost):
            lost = self._lost.poll(now)
            if lost:
                packets.append(Nack(sender_ssrc=sender_ssrc, media_ssrc=self.ssrc, sequence_numbers=tuple(lost)))
        return packets

    def report(self, now: float) -> ReportBlock:
        """Return a report block; its fraction lost covers the time since the block before."""
        return self.reception.report(now)

    def stats(self, now: float) -> StreamStats:
        """Return the counters."""
        reception = self.reception
        bitrate = self._bitrate.rate(8 * reception.bytes, now)
        return StreamStats(reception.packets, reception.bytes, reception.lost, reception.jitter, bitrate)
