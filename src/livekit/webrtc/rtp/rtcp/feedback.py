"""Feedback: NACK, PLI (RFC 4585), FIR (RFC 5104) and REMB (draft-alvestrand-rmcat-remb-03)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from livekit.webrtc.rtp.packet import RtpError

from .common import FeedbackFormat, PacketType, PayloadFeedbackFormat, rtcp_packet

__all__ = ["FullIntraRequest", "Nack", "PictureLossIndication", "ReceiverEstimatedMaximumBitrate"]

REMB_IDENTIFIER = b"REMB"
MAX_NACK_ENTRIES = 253
"""Entries per NACK, of up to 17 sequence numbers each, that fit into a packet of 1,024 bytes."""


def _ssrcs(sender_ssrc: int, media_ssrc: int) -> bytes:
    return sender_ssrc.to_bytes(4, "big") + media_ssrc.to_bytes(4, "big")


def _words(body: bytes, start: int = 0) -> Iterator[int]:
    return (int.from_bytes(body[position : position + 4], "big") for position in range(start, len(body) - 3, 4))


@dataclass(frozen=True, kw_only=True, slots=True)
class Nack:
    """A request to retransmit packets (generic NACK, RFC 4585 section 6.2.1)."""

    sender_ssrc: int
    media_ssrc: int
    sequence_numbers: tuple[int, ...]

    @classmethod
    def decode(cls, body: bytes) -> Nack:
        """Decode the packet's body. Raises RtpError."""
        if len(body) < 8:
            raise RtpError("a NACK is cut off")
        sender, media = list(_words(body[:8]))
        lost: list[int] = []
        for word in _words(body[: 8 + 4 * MAX_NACK_ENTRIES], 8):
            first, mask = word >> 16, word & 0xFFFF
            lost.append(first)
            lost += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
        return cls(sender_ssrc=sender, media_ssrc=media, sequence_numbers=tuple(lost))

    def encode(self) -> bytes:
        """Return the packet as bytes; close numbers, in order, share an entry. Raises RtpError if it is too long."""
        entries = list(_nack_entries(self.sequence_numbers))
        if len(entries) > MAX_NACK_ENTRIES:
            raise RtpError(f"a NACK has at most {MAX_NACK_ENTRIES} entries, not {len(entries)}")
        body = b"".join(entry.to_bytes(4, "big") for entry in entries)
        header = _ssrcs(self.sender_ssrc, self.media_ssrc)
        return rtcp_packet(PacketType.TRANSPORT_FEEDBACK, FeedbackFormat.NACK, header + body)


def _nack_entries(sequence_numbers: Iterable[int]) -> Iterator[int]:
    first, mask = -1, 0
    for number in sequence_numbers:
        distance = (number - first) & 0xFFFF
        if first >= 0 and 1 <= distance <= 16:
            mask |= 1 << distance - 1
            continue
        if first >= 0:
            yield first << 16 | mask
        first, mask = number, 0
    if first >= 0:
        yield first << 16 | mask


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureLossIndication:
    """A request for a key frame, after lost pictures (RFC 4585 section 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    @classmethod
    def decode(cls, body: bytes) -> PictureLossIndication:
        """Decode the packet's body. Raises RtpError."""
        if len(body) < 8:
            raise RtpError("a picture loss indication is cut off")
        sender, media = list(_words(body[:8]))
        return cls(sender_ssrc=sender, media_ssrc=media)

    def encode(self) -> bytes:
        """Return the packet as bytes."""
        return rtcp_packet(
            PacketType.PAYLOAD_FEEDBACK,
            PayloadFeedbackFormat.PICTURE_LOSS_INDICATION,
            _ssrcs(self.sender_ssrc, self.media_ssrc),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FullIntraRequest:
    """A request for a key frame of each source (RFC 5104 section 4.3.1)."""

    sender_ssrc: int
    requests: tuple[tuple[int, int], ...]
    """SSRC and sequence number of the request, which a repetition keeps."""

    @classmethod
    def decode(cls, body: bytes) -> FullIntraRequest:
        """Decode the packet's body. Raises RtpError."""
        if len(body) < 16:
            raise RtpError("a full intra request is cut off")
        words = list(_words(body))
        pairs = zip(words[2::2], words[3::2], strict=False)
        return cls(sender_ssrc=words[0], requests=tuple((ssrc, word >> 24) for ssrc, word in pairs))

    def encode(self) -> bytes:
        """Return the packet as bytes."""
        body = b"".join(ssrc.to_bytes(4, "big") + bytes([number, 0, 0, 0]) for ssrc, number in self.requests)
        return rtcp_packet(
            PacketType.PAYLOAD_FEEDBACK, PayloadFeedbackFormat.FULL_INTRA_REQUEST, _ssrcs(self.sender_ssrc, 0) + body
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverEstimatedMaximumBitrate:
    """The bitrate that a receiver can take (REMB)."""

    sender_ssrc: int
    bitrate: int
    """Bits per second; encoded with 18 significant bits."""
    ssrcs: tuple[int, ...]
    """The sources that share it."""

    @classmethod
    def decode(cls, body: bytes) -> ReceiverEstimatedMaximumBitrate | None:
        """Decode the body of application layer feedback; None if it is not REMB. Raises RtpError."""
        if body[8:12] != REMB_IDENTIFIER:
            return None
        if len(body) < 16 or len(body) < 16 + 4 * body[12]:
            raise RtpError("a REMB is cut off")
        word = int.from_bytes(body[13:16], "big")
        ssrcs = tuple(_words(body[: 16 + 4 * body[12]], 16))
        sender = int.from_bytes(body[:4], "big")
        return cls(sender_ssrc=sender, bitrate=(word & 0x3FFFF) << (word >> 18), ssrcs=ssrcs)

    def encode(self) -> bytes:
        """Return the packet as bytes."""
        exponent = max(self.bitrate.bit_length() - 18, 0)
        word = exponent << 18 | self.bitrate >> exponent
        estimate = bytes([len(self.ssrcs)]) + word.to_bytes(3, "big")
        body = b"".join([REMB_IDENTIFIER, estimate, *(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs)])
        return rtcp_packet(
            PacketType.PAYLOAD_FEEDBACK,
            PayloadFeedbackFormat.APPLICATION_LAYER_FEEDBACK,
            _ssrcs(self.sender_ssrc, 0) + body,
        )
