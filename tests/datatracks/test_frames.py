from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.datatracks.frames import MAX_PIECES, MTU, Depacketizer, FrameTooLargeError, Packetizer
from livekit.datatracks.packet import TrackPacket


def cut(payload: bytes, packetizer: Packetizer | None = None) -> list[TrackPacket]:
    return (packetizer or Packetizer(7)).packetize(payload, {2: bytes(8)}, 1.5)


@given(st.integers(0, 5 * MTU), st.randoms(use_true_random=False))
def test_frames_come_together_in_any_order_after_the_first(size: int, order: random.Random) -> None:
    payload = bytes(size)
    first, *others = cut(payload)
    order.shuffle(others)
    depacketizer = Depacketizer()
    frames = [frame for packet in (first, *others) if (frame := depacketizer.push(packet))]
    assert frames == [(payload, {2: bytes(8)})]


def test_packets_are_as_long_as_they_may_be() -> None:
    packets = cut(bytes(40_000))
    assert [len(packet.encode()) for packet in packets] == [MTU, MTU, 40_000 - 2 * (MTU - 24) + 24]
    assert [(packet.is_start, packet.is_final) for packet in packets] == [(True, False), (False, False), (False, True)]
    assert {packet.timestamp for packet in packets} == {135_000}


def test_sequence_and_frame_number_go_round() -> None:
    packetizer = Packetizer(7, first_tick=0xFFFFFFFF)
    packetizer._sequence = packetizer._frame_number = 0xFFFF
    packets = [*cut(bytes(20_000), packetizer), *cut(b"", packetizer)]
    assert [packet.sequence for packet in packets] == [0xFFFF, 0, 1]
    assert [packet.frame_number for packet in packets] == [0xFFFF, 0xFFFF, 0]
    assert packets[0].timestamp == 134_999
    depacketizer = Depacketizer()
    assert [depacketizer.push(packet) is not None for packet in packets] == [False, True, True]


def test_a_frame_that_nobody_would_put_together() -> None:
    with pytest.raises(FrameTooLargeError, match="limit"):
        cut(bytes(MTU * MAX_PIECES))


def test_a_lost_packet_costs_one_frame() -> None:
    packetizer, depacketizer = Packetizer(7), Depacketizer()
    broken, whole = cut(bytes(40_000), packetizer), cut(b"x" * 40_000, packetizer)
    frames = [depacketizer.push(packet) for packet in [*broken[:1], *broken[2:], *whole]]
    assert [frame[0] for frame in frames if frame] == [b"x" * 40_000]


@pytest.mark.parametrize(("partial", "complete"), [(1, 1), (2, 2)])
def test_frames_that_mix(partial: int, complete: int) -> None:
    packetizer, depacketizer = Packetizer(7), Depacketizer()
    depacketizer.max_partial_frames = partial
    one, two = cut(bytes(20_000), packetizer), cut(bytes(20_000), packetizer)
    mixed = [one[0], two[0], one[1], two[1]]
    assert len([frame for packet in mixed if (frame := depacketizer.push(packet))]) == complete


def test_pieces_too_far_from_the_first() -> None:
    depacketizer = Depacketizer()
    first, last = cut(bytes(20_000))
    far = TrackPacket(7, MAX_PIECES, 0, 0, b"", is_start=False, is_final=False)
    assert [depacketizer.push(packet) for packet in (first, far, last)] == [None, None, None]
