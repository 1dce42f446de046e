from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.datatracks.depacketizer import Depacketizer
from livekit.datatracks.packet import TrackPacket
from livekit.datatracks.packetizer import MAX_PACKETS_PER_FRAME, MTU, Packetizer


def packetize(payload: bytes, packetizer: Packetizer | None = None) -> list[TrackPacket]:
    return (packetizer or Packetizer(7)).packetize(payload, {2: bytes(8)}, 1.5)


@given(st.integers(0, 5 * MTU), st.randoms(use_true_random=False))
def test_frame_is_reassembled_from_reordered_packets(size: int, order: random.Random) -> None:
    payload = bytes(size)
    first, *rest = packetize(payload)
    order.shuffle(rest)
    depacketizer = Depacketizer()
    frames = [frame for packet in (first, *rest) if (frame := depacketizer.push(packet))]
    assert frames == [(payload, {2: bytes(8)})]


def test_sequence_numbers_wrap_around() -> None:
    packetizer, depacketizer = Packetizer(7), Depacketizer()
    packetizer._sequence = packetizer._frame_number = 0xFFFF
    packets = packetize(bytes(20_000), packetizer) + packetize(b"", packetizer)
    assert [depacketizer.push(packet) is not None for packet in packets] == [False, True, True]


def test_lost_packet_costs_one_frame() -> None:
    packetizer, depacketizer = Packetizer(7), Depacketizer()
    broken, whole = packetize(bytes(40_000), packetizer), packetize(b"x" * 40_000, packetizer)
    frames = [depacketizer.push(packet) for packet in [*broken[:1], *broken[2:], *whole]]
    assert [frame[0] for frame in frames if frame] == [b"x" * 40_000]


@pytest.mark.parametrize(("partial", "complete"), [(1, 1), (2, 2)])
def test_interleaved_frames_need_as_many_partial_frames(partial: int, complete: int) -> None:
    packetizer, depacketizer = Packetizer(7), Depacketizer()
    depacketizer.max_partial_frames = partial
    one, two = packetize(bytes(20_000), packetizer), packetize(bytes(20_000), packetizer)
    mixed = [one[0], two[0], one[1], two[1]]
    assert len([frame for packet in mixed if (frame := depacketizer.push(packet))]) == complete


def test_packet_beyond_the_frame_limit_drops_the_frame() -> None:
    depacketizer = Depacketizer()
    first, last = packetize(bytes(20_000))
    far = TrackPacket(7, MAX_PACKETS_PER_FRAME, 0, 0, b"", is_start=False, is_final=False)
    assert [depacketizer.push(packet) for packet in (first, far, last)] == [None, None, None]
