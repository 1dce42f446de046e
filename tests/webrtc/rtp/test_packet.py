"""RTP packets, with aiortc's parser as the reference."""

from __future__ import annotations

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError, RtpPacket

PACKET = RtpPacket(111, 0x1234, 0x89ABCDEF, 0xDEADBEEF, b"payload", marker=True)

ssrcs = st.integers(0, 0xFFFF_FFFF)
packets = st.builds(
    RtpPacket,
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF_FFFF),
    ssrcs,
    st.binary(max_size=100),
    st.booleans(),
    st.lists(ssrcs, max_size=15).map(tuple),
    st.integers(1, 0xFFFF),
    st.integers(0, 5).map(lambda words: bytes(4 * words)),
    padding_size=st.integers(0, 255),
)


def test_layout_of_the_header() -> None:
    assert PACKET.serialize().hex() == "80ef123489abcdefdeadbeef" + b"payload".hex()
    assert RtpPacket.parse(PACKET.serialize()) == PACKET


@given(packet=packets)
def test_round_trip(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.serialize()) == packet


@given(packet=packets)
def test_aiortc_reads_the_same_fields(packet: RtpPacket) -> None:
    packet.extension_profile, packet.extension = 0, b""
    other = aiortc.rtp.RtpPacket.parse(packet.serialize())
    assert (other.payload_type, other.sequence_number, other.timestamp, other.ssrc, bool(other.marker)) == (
        *(packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc, packet.marker),
    )
    assert (tuple(other.csrc), other.payload, other.padding_size) == (packet.csrcs, packet.payload, packet.padding_size)


def test_packet_of_padding_only() -> None:
    packet = RtpPacket(111, 1, 2, 3, padding_size=255)
    assert len(packet.serialize()) == 12 + 255
    assert RtpPacket.parse(packet.serialize()).is_padding_only
    assert not PACKET.is_padding_only
    assert not RtpPacket(111, 1, 2, 3).is_padding_only


def test_empty_extension_is_kept() -> None:
    packet = RtpPacket(111, 1, 2, 3, b"x", extension_profile=0xBEDE)
    assert packet.serialize()[12:16].hex() == "bede0000"
    assert RtpPacket.parse(packet.serialize()) == packet


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("", "version"),
        ("80ef123489abcdefdeadbe", "version"),
        ("40ef123489abcdefdeadbeef", "version"),
        ("81ef123489abcdefdeadbeef000000", "CSRC"),
        ("90ef123489abcdefdeadbeef000000", "cut off"),
        ("90ef123489abcdefdeadbeefbede0001000000", "does not fit"),
        ("a0ef123489abcdefdeadbeef", "padding"),
        ("a0ef123489abcdefdeadbeef0000", "padding"),
        ("a0ef123489abcdefdeadbeef0003", "padding"),
    ],
)
def test_malformed_packet_is_rejected(data: str, match: str) -> None:
    with pytest.raises(RtpError, match=match):
        RtpPacket.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    "packet",
    [
        RtpPacket(128, 1, 2, 3),
        RtpPacket(111, 65_536, 2, 3),
        RtpPacket(111, 1, 2, -1),
        RtpPacket(111, 1, 2, 3, csrcs=(0,) * 16),
        RtpPacket(111, 1, 2, 3, extension_profile=0xBEDE, extension=b"abc"),
        RtpPacket(111, 1, 2, 3, padding_size=256),
    ],
    ids=["payload type", "sequence number", "ssrc", "CSRCs", "extension", "padding"],
)
def test_field_out_of_range_is_rejected(packet: RtpPacket) -> None:
    with pytest.raises(RtpError):
        packet.serialize()


@given(st.binary(max_size=60))
def test_any_bytes_are_a_packet_or_an_rtp_error(data: bytes) -> None:
    for attempt in (data, b"\xb1" + data):
        try:
            packet = RtpPacket.parse(attempt)
        except RtpError:
            continue
        assert RtpPacket.parse(packet.serialize()) == packet
