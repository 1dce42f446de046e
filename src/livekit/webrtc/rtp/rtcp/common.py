"""The common header of RTCP packets (RFC 3550 section 6.4, RFC 4585 section 6.1)."""

from __future__ import annotations

import enum
from struct import Struct

__all__ = ["FeedbackFormat", "PacketType", "PayloadFeedbackFormat", "rtcp_packet"]

HEADER_SIZE = 4
MAX_COUNT = 31
"""Report blocks, chunks or sources in one packet."""
HEADER = Struct("!BBH")


class PacketType(enum.IntEnum):
    """RTCP packet types."""

    SENDER_REPORT = 200
    RECEIVER_REPORT = 201
    SOURCE_DESCRIPTION = 202
    GOODBYE = 203
    TRANSPORT_FEEDBACK = 205
    PAYLOAD_FEEDBACK = 206


class FeedbackFormat(enum.IntEnum):
    """Formats of transport layer feedback."""

    NACK = 1
    TRANSPORT_WIDE_CC = 15


class PayloadFeedbackFormat(enum.IntEnum):
    """Formats of payload-specific feedback."""

    PICTURE_LOSS_INDICATION = 1
    FULL_INTRA_REQUEST = 4
    APPLICATION_LAYER_FEEDBACK = 15


def rtcp_packet(packet_type: int, count: int, body: bytes) -> bytes:
    """Return a packet with its header; `count` is the field after the padding bit, `body` a multiple of four bytes."""
    return HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body
