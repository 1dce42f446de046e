from __future__ import annotations

import pytest

from livekit.webrtc.demux import PacketKind, packet_kind


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [
        (0, 3, PacketKind.STUN),
        (4, 15, PacketKind.UNKNOWN),
        (16, 19, PacketKind.ZRTP),
        (20, 63, PacketKind.DTLS),
        (64, 79, PacketKind.TURN_CHANNEL),
        (80, 127, PacketKind.UNKNOWN),
        (128, 191, PacketKind.RTP),
        (192, 255, PacketKind.UNKNOWN),
    ],
)
def test_ranges_of_rfc_7983(first: int, last: int, kind: PacketKind) -> None:
    assert {packet_kind(bytes([byte]) + b"rest") for byte in range(first, last + 1)} == {kind}


def test_empty_datagram_is_unknown() -> None:
    assert packet_kind(b"") is PacketKind.UNKNOWN
