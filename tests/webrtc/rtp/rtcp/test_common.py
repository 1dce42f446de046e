from __future__ import annotations

from livekit.webrtc.rtp.rtcp.common import PacketType, rtcp_packet


def test_length_counts_words_without_the_header() -> None:
    assert rtcp_packet(PacketType.GOODBYE, 2, bytes(8)).hex() == "82cb0002" + 16 * "0"
