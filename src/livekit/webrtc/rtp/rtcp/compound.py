"""Compound RTCP packets (RFC 3550 section 6.1), of reduced size too (RFC 5506)."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.webrtc.rtp.packet import RtpError

from .common import HEADER, HEADER_SIZE, FeedbackFormat, PacketType, PayloadFeedbackFormat
from .feedback import FullIntraRequest, Nack, PictureLossIndication, ReceiverEstimatedMaximumBitrate
from .reports import ReceiverReport, SenderReport
from .sources import Goodbye, SourceDescription
from .transport_wide_cc import TransportWideFeedback

__all__ = ["RtcpPacket", "decode_compound", "encode_compound"]

RtcpPacket = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | PictureLossIndication
    | FullIntraRequest
    | ReceiverEstimatedMaximumBitrate
)


def decode_compound(data: bytes) -> list[RtcpPacket | TransportWideFeedback]:
    """Return the packets of a compound packet; those of unknown types, such as extended reports, are skipped.

    Raises:
        RtpError: The compound packet or a packet in it is malformed.
    """
    packets: list[RtcpPacket | TransportWideFeedback] = []
    position, size = 0, len(data)
    while position < size:
        if position + HEADER_SIZE > size or data[position] >> 6 != 2:
            raise RtpError(f"byte {position} of {size} does not start an RTCP packet")
        words: int
        _, packet_type, words = HEADER.unpack_from(data, position)
        end = position + HEADER_SIZE + 4 * words
        if end > size:
            raise RtpError(f"an RTCP packet of {4 * words + HEADER_SIZE} bytes does not fit into the compound packet")
        padding = data[end - 1] if data[position] & 0x20 else 0
        if padding > 4 * words:
            raise RtpError(f"padding of {padding} bytes does not fit into the RTCP packet")
        packet = _decode(packet_type, data[position] & 0x1F, data[position + HEADER_SIZE : end - padding])
        if packet is not None:
            packets.append(packet)
        position = end
    return packets


def _decode(packet_type: int, count: int, body: bytes) -> RtcpPacket | TransportWideFeedback | None:
    match packet_type, count:
        case PacketType.SENDER_REPORT, _:
            return SenderReport.decode(body, count)
        case PacketType.RECEIVER_REPORT, _:
            return ReceiverReport.decode(body, count)
        case PacketType.SOURCE_DESCRIPTION, _:
            return SourceDescription.decode(body, count)
        case PacketType.GOODBYE, _:
            return Goodbye.decode(body, count)
        case PacketType.TRANSPORT_FEEDBACK, FeedbackFormat.NACK:
            return Nack.decode(body)
        case PacketType.TRANSPORT_FEEDBACK, FeedbackFormat.TRANSPORT_WIDE_CC:
            return TransportWideFeedback.decode(body)
        case PacketType.PAYLOAD_FEEDBACK, PayloadFeedbackFormat.PICTURE_LOSS_INDICATION:
            return PictureLossIndication.decode(body)
        case PacketType.PAYLOAD_FEEDBACK, PayloadFeedbackFormat.FULL_INTRA_REQUEST:
            return FullIntraRequest.decode(body)
        case PacketType.PAYLOAD_FEEDBACK, PayloadFeedbackFormat.APPLICATION_LAYER_FEEDBACK:
            return ReceiverEstimatedMaximumBitrate.decode(body)
        case _:
            return None


def encode_compound(packets: Iterable[RtcpPacket]) -> bytes:
    """Return a compound packet. Unless it is of reduced size, a report comes first.

    Raises:
        RtpError: A packet is over a limit of its format.
    """
    return b"".join(packet.encode() for packet in packets)
