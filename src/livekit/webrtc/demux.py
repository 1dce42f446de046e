"""Demultiplexing of STUN, DTLS, RTP and others on one socket by the first byte (RFC 7983 section 7)."""

from __future__ import annotations

import enum

__all__ = ["PacketKind", "packet_kind"]


class PacketKind(enum.Enum):
    """Protocol of a datagram."""

    STUN = "stun"
    ZRTP = "zrtp"
    DTLS = "dtls"
    TURN_CHANNEL = "turn-channel"
    RTP = "rtp"
    """RTP or RTCP; RFC 5761 section 4 separates the two."""
    UNKNOWN = "unknown"


_RANGES = (
    (0, 3, PacketKind.STUN),
    (16, 19, PacketKind.ZRTP),
    (20, 63, PacketKind.DTLS),
    (64, 79, PacketKind.TURN_CHANNEL),
    (128, 191, PacketKind.RTP),
)

_KINDS = [PacketKind.UNKNOWN] * 256
for _first, _last, _kind in _RANGES:
    _KINDS[_first : _last + 1] = [_kind] * (_last - _first + 1)


def packet_kind(data: bytes) -> PacketKind:
    """Return the protocol of a datagram; UNKNOWN for an empty one."""
    return _KINDS[data[0]] if data else PacketKind.UNKNOWN
