"""Packets and streams for the tests of media forwarding."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

from livekit.server.media.forwarder import Forwarder, OutgoingPacket
from livekit.server.media.published_stream import PublishedStream
from livekit.webrtc.media_interfaces import Codec, MediaKind
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import SenderReport

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1")
RED = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")
VP8 = Codec(payload_type=96, name="VP8", clock_rate=90_000)
KEY_FRAME, DELTA_FRAME = b"\x10\x00", b"\x10\x01"
"""VP8 payloads: descriptor without extensions, start of a partition, and the first byte of the frame."""
_HEADER = Struct("!BBHLL")


class Sent(NamedTuple):
    """An outgoing packet, parsed."""

    sequence_number: int
    timestamp: int
    payload: bytes
    payload_type: int
    marker: bool
    ssrc: int


def parse(outgoing: OutgoingPacket) -> Sent:
    """Parse an outgoing packet, as the subscriber would."""
    packet = RtpPacket.parse(outgoing.header + outgoing.payload)
    assert packet.sequence_number == outgoing.sequence_number
    assert len(outgoing.header) == 12
    return Sent(
        packet.sequence_number, packet.timestamp, packet.payload, packet.payload_type, packet.marker, packet.ssrc
    )


def audio_stream(ssrc: int = 1) -> PublishedStream:
    return PublishedStream(ssrc, MediaKind.AUDIO, [RED, OPUS], audio_level_id=1)


def video_stream(ssrc: int = 1) -> PublishedStream:
    return PublishedStream(ssrc, MediaKind.VIDEO, [VP8])


def audio(number: int, *, payload_type: int = OPUS.payload_type) -> RtpPacket:
    """Return the packet of a source that sends a frame each 20 ms; `number` may be any integer."""
    return RtpPacket(payload_type, number & 0xFFFF, 960 * number & 0xFFFF_FFFF, 1, b"frame %d" % number)


def padding(number: int, *, payload_type: int = OPUS.payload_type) -> RtpPacket:
    return RtpPacket(payload_type, number & 0xFFFF, 960 * number & 0xFFFF_FFFF, 1, padding_size=200)


def video(number: int, *, key: bool = False, timestamp: int | None = None) -> RtpPacket:
    timestamp = 3000 * number if timestamp is None else timestamp
    content = KEY_FRAME if key else DELTA_FRAME
    return RtpPacket(96, number & 0xFFFF, timestamp & 0xFFFF_FFFF, 1, content + b"frame %d" % number)


def send(forwarder: Forwarder, stream: PublishedStream, packet: RtpPacket, now: float) -> Sent | None:
    """Pass a packet through a stream and a forwarder."""
    position = stream.receive(packet, now)
    outgoing = None if position is None else forwarder.forward(stream, packet, position, now)
    return None if outgoing is None else parse(outgoing)


def send_all(
    forwarder: Forwarder, stream: PublishedStream, packets: Iterable[RtpPacket], start: float = 0.0
) -> list[Sent]:
    """Pass packets through, one each 20 ms; return those that were sent."""
    sent = (send(forwarder, stream, packet, start + 0.02 * index) for index, packet in enumerate(packets))
    return [packet for packet in sent if packet is not None]


def sender_report(ntp: float, timestamp: int, *, ssrc: int = 1) -> SenderReport:
    """Return a report at `ntp`, in seconds."""
    return SenderReport(
        ssrc=ssrc, ntp_timestamp=int(ntp * 2**32), rtp_timestamp=timestamp, packet_count=1, octet_count=1
    )
