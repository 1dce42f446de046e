from __future__ import annotations

import pytest

from livekit.datatracks.packet import TrackPacket
from livekit.datatracks.packetizer import MAX_PACKETS_PER_FRAME, MTU, FrameTooLargeError, Packetizer


def packetize(payload: bytes, packetizer: Packetizer | None = None) -> list[TrackPacket]:
    return (packetizer or Packetizer(7)).packetize(payload, {2: bytes(8)}, 1.5)


def test_large_frame_fills_packets_up_to_the_mtu() -> None:
    packets = packetize(bytes(40_000))
    assert [len(packet.encode()) for packet in packets] == [MTU, MTU, 40_000 - 2 * (MTU - 24) + 24]
    assert [(packet.is_start, packet.is_final) for packet in packets] == [(True, False), (False, False), (False, True)]
    assert {packet.timestamp for packet in packets} == {135_000}


def test_sequence_and_frame_numbers_wrap_around() -> None:
    packetizer = Packetizer(7, first_tick=0xFFFFFFFF)
    packetizer._sequence = packetizer._frame_number = 0xFFFF
    packets = packetize(bytes(20_000), packetizer) + packetize(b"", packetizer)
    assert [packet.sequence for packet in packets] == [0xFFFF, 0, 1]
    assert [packet.frame_number for packet in packets] == [0xFFFF, 0xFFFF, 0]
    assert packets[0].timestamp == 134_999


def test_frame_over_the_packet_limit_is_rejected() -> None:
    with pytest.raises(FrameTooLargeError, match="limit"):
        packetize(bytes(MTU * MAX_PACKETS_PER_FRAME))
