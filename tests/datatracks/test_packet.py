from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.datatracks.packet import BadTrackPacketError, TrackPacket, decode, handle_of, with_handle

word = st.integers(0, 0xFFFF)
packets = st.builds(
    TrackPacket,
    handle=st.integers(1, 0xFFFF),
    sequence=word,
    frame_number=word,
    timestamp=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=50),
    is_start=st.booleans(),
    is_final=st.booleans(),
    extensions=st.dictionaries(st.integers(1, 255), st.binary(max_size=255), max_size=4),
)


def test_encoding_of_a_known_packet() -> None:
    packet = TrackPacket(
        handle=0x8811,
        sequence=0x4422,
        frame_number=0x4411,
        timestamp=0x44221188,
        payload=b"\xfa\xfa",
        is_start=False,
        extensions={1: b"\xfa" + b"\x3c" * 12, 2: bytes.fromhex("4411221111118811")},
    )
    assert packet.encode() == bytes.fromhex(
        "0c00 8811 4422 4411 44221188"  # version 0, final, extended
        "0006 010d fa 3c3c3c3c3c3c3c3c3c3c3c3c 0208 4411221111118811 00"  # 7 words
        "fafa"
    )


@given(packets)
def test_decoding_reverses_encoding(packet: TrackPacket) -> None:
    data = packet.encode()
    assert decode(data) == packet
    assert (len(data) - len(packet.payload)) % 4 == 0
    assert handle_of(data) == packet.handle


@given(packets, st.integers(1, 0xFFFF))
def test_with_handle_replaces_only_the_handle(packet: TrackPacket, handle: int) -> None:
    data = with_handle(packet.encode(), handle)
    assert decode(data).handle == handle
    assert with_handle(data, packet.handle) == packet.encode()


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_decoded_or_rejected(data: bytes) -> None:
    try:
        packet = decode(data)
    except BadTrackPacketError:
        return
    assert packet.handle == handle_of(data) > 0
    assert data.endswith(packet.payload)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "too short"),
        (b"\x18" + bytes(10), "too short"),
        (b"\x38\0\0\1" + bytes(8), "version 1"),
        (b"\x18" + bytes(11), "handle 0"),
        (b"\x1c\0\0\1" + bytes(8), "size of the extensions"),
        (b"\x1c\0\0\1" + bytes(8) + b"\0\x01\x01\x02", "truncated"),
        (b"\x1c\0\0\1" + bytes(8) + b"\0\0\x01\x02", "exceeds"),
    ],
)
def test_invalid_packets_are_rejected(data: bytes, reason: str) -> None:
    with pytest.raises(BadTrackPacketError, match=reason):
        decode(data)


def test_handle_of_invalid_data_is_zero() -> None:
    assert handle_of(b"\0\0\0\5") == 0
    assert handle_of(b"\x38\0\0\5" + bytes(8)) == 0
