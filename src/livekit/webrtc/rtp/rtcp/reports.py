"""Sender and receiver reports (RFC 3550 section 6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from livekit.webrtc.rtp.packet import RtpError

from .common import MAX_COUNT, PacketType, rtcp_packet

__all__ = ["ReceiverReport", "ReportBlock", "SenderReport"]

BLOCK_SIZE = 24
SENDER_INFO_SIZE = 24
_BLOCK = Struct("!LB3sLLLL")
_SENDER_INFO = Struct("!LQLLL")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportBlock:
    """The reception of one source."""

    ssrc: int
    fraction_lost: int = 0
    """Share of packets lost since the report before, in 1/256."""
    cumulative_lost: int = 0
    """Packets lost in all; negative with many duplicates."""
    highest_sequence_number: int = 0
    """Extended: the cycles are in the upper 16 bits."""
    jitter: int = 0
    """In units of the RTP timestamp."""
    last_sender_report: int = 0
    """The middle 32 bits of the NTP timestamp of the last sender report; 0 before the first."""
    delay_since_last_sender_report: int = 0
    """In 1/65,536 s."""

    @classmethod
    def decode(cls, data: bytes, position: int) -> ReportBlock:
        """Decode the block at `position`, which must be complete."""
        ssrc, fraction, lost, highest, jitter, last, delay = _BLOCK.unpack_from(data, position)
        return cls(
            ssrc=ssrc,
            fraction_lost=fraction,
            cumulative_lost=int.from_bytes(lost, "big", signed=True),
            highest_sequence_number=highest,
            jitter=jitter,
            last_sender_report=last,
            delay_since_last_sender_report=delay,
        )

    def encode(self) -> bytes:
        """Return the block as bytes."""
        return _BLOCK.pack(
            self.ssrc,
            self.fraction_lost,
            self.cumulative_lost.to_bytes(3, "big", signed=True),
            self.highest_sequence_number,
            self.jitter,
            self.last_sender_report,
            self.delay_since_last_sender_report,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderReport:
    """The report of a participant that sends."""

    ssrc: int
    ntp_timestamp: int
    """64 bits: seconds since 1900 and their fraction."""
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    """Payload bytes, without headers and padding."""
    blocks: tuple[ReportBlock, ...] = ()

    @classmethod
    def decode(cls, body: bytes, count: int) -> SenderReport:
        """Decode the packet's body with `count` report blocks. Raises RtpError."""
        if len(body) < SENDER_INFO_SIZE:
            raise RtpError("a sender report is cut off")
        ssrc, ntp, timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
        return cls(
            ssrc=ssrc,
            ntp_timestamp=ntp,
            rtp_timestamp=timestamp,
            packet_count=packets,
            octet_count=octets,
            blocks=_blocks(body, SENDER_INFO_SIZE, count),
        )

    def encode(self) -> bytes:
        """Return the packet as bytes. Raises RtpError if it has too many blocks."""
        info = _SENDER_INFO.pack(self.ssrc, self.ntp_timestamp, self.rtp_timestamp, self.packet_count, self.octet_count)
        return rtcp_packet(PacketType.SENDER_REPORT, _count(self.blocks), info + _encode(self.blocks))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverReport:
    """The report of a participant that only receives."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    @classmethod
    def decode(cls, body: bytes, count: int) -> ReceiverReport:
        """Decode the packet's body with `count` report blocks. Raises RtpError."""
        if len(body) < 4:
            raise RtpError("a receiver report is cut off")
        return cls(ssrc=int.from_bytes(body[:4], "big"), blocks=_blocks(body, 4, count))

    def encode(self) -> bytes:
        """Return the packet as bytes. Raises RtpError if it has too many blocks."""
        body = self.ssrc.to_bytes(4, "big") + _encode(self.blocks)
        return rtcp_packet(PacketType.RECEIVER_REPORT, _count(self.blocks), body)


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    end = start + count * BLOCK_SIZE
    if end > len(body):
        raise RtpError(f"a report of {len(body)} bytes has no room for {count} blocks")
    return tuple(ReportBlock.decode(body, position) for position in range(start, end, BLOCK_SIZE))


def _encode(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(block.encode() for block in blocks)


def _count(blocks: tuple[ReportBlock, ...]) -> int:
    if len(blocks) > MAX_COUNT:
        raise RtpError(f"a report has at most {MAX_COUNT} blocks, not {len(blocks)}")
    return len(blocks)
