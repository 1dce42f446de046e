from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.sctp.packet import ChunkError, PacketError, PacketHeader, encode_chunk, iterate_chunks, verify

TAG = 0x01020304


def test_packet_round_trip() -> None:
    packet = PacketHeader(TAG).packet([encode_chunk(1, b"abcde", 7), encode_chunk(2)])
    assert verify(packet) == TAG
    assert [(kind, flags, packet[start:end]) for kind, flags, start, end in iterate_chunks(packet)] == [
        (1, 7, b"abcde"),
        (2, 0, b""),
    ]


def test_checksum_is_crc32c_in_little_endian() -> None:
    # The CRC32c of 32 zero bytes is 0x8a9136aa (RFC 3720 appendix B.4).
    packet = PacketHeader(0, source_port=0, destination_port=0).packet([bytes(20)])
    assert packet[8:12] == bytes.fromhex("aa36918a")


@pytest.mark.parametrize("position", range(20))
def test_changed_byte_fails_the_checksum(position: int) -> None:
    packet = bytearray(PacketHeader(TAG).packet([encode_chunk(1, b"abcd")]))
    packet[position] ^= 0x10
    with pytest.raises(PacketError):
        verify(bytes(packet))


def test_other_ports_are_rejected() -> None:
    with pytest.raises(PacketError, match="ports"):
        verify(PacketHeader(TAG, destination_port=1).packet([]))


@pytest.mark.parametrize("length", [0, 3, 9, 0xFFFF])
def test_invalid_chunk_length(length: int) -> None:
    packet = PacketHeader(TAG).packet([b"\x01\x00" + length.to_bytes(2, "big") + b"abcd"])
    with pytest.raises(ChunkError):
        list(iterate_chunks(packet))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_a_packet_error(data: bytes) -> None:
    try:
        tag = verify(data)
    except PacketError:
        return
    assert 0 <= tag < 1 << 32


@given(st.binary(max_size=200))
def test_any_bytes_are_chunks_or_a_chunk_error(data: bytes) -> None:
    position = 12
    try:
        for _, _, start, end in iterate_chunks(data):
            assert position + 4 == start <= end <= len(data)
            position = end + (-(end - start) & 3)
    except ChunkError:
        pass
