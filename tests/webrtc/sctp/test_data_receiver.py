from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.sctp.chunks import DATA_BODY, ForwardTsn
from livekit.webrtc.sctp.constants import (
    DUPLICATE_SACK_PACKETS,
    FLAG_BEGIN,
    FLAG_END,
    FLAG_IMMEDIATE,
    FLAG_UNORDERED,
    IMMEDIATE_SACK_DELAY,
    MAX_DUPLICATES,
    MAX_GAPS,
    MAX_PACKET_SIZE,
    MAX_TSN_AHEAD,
    MIN_PACKET_SIZE,
    NEVER,
    PACKET_HEADER_SIZE,
    RECEIVE_BUFFER,
    RECEIVE_WINDOW,
    SACK_DELAY,
)
from livekit.webrtc.sctp.data_receiver import DataReceiver
from livekit.webrtc.sctp.packet import ChunkError

FIRST = 0xFFFF_FFF0  # serial numbers wrap soon
UNORDERED = FLAG_BEGIN | FLAG_END | FLAG_UNORDERED


class Receiver:
    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.receiver = DataReceiver(FIRST, lambda stream, ppid, data: self.got.append(data))

    def data(self, offset: int, payload: bytes = b"x", flags: int = UNORDERED, ssn: int = 0, now: float = 0.0) -> None:
        body = DATA_BODY.pack((FIRST + offset) & 0xFFFF_FFFF, 1, ssn, 53) + payload
        self.receiver.receive_data(body, flags, 0, len(body))
        self.receiver.schedule_sack(now)


def test_sack_is_delayed_for_one_packet_and_immediate_for_two() -> None:
    receiver = Receiver()
    receiver.data(0, now=1.0)
    assert receiver.receiver.sack_at == 1.0 + SACK_DELAY
    receiver.data(1, now=1.001)
    assert receiver.receiver.sack_at == 1.001
    sack = receiver.receiver.sack()
    assert (sack.cumulative_tsn, sack.window, sack.gaps) == (FIRST + 1, RECEIVE_WINDOW, [])
    assert receiver.receiver.sack_at == NEVER


def test_i_bit_shortens_the_sack_delay() -> None:
    receiver = Receiver()
    receiver.data(0, flags=UNORDERED | FLAG_IMMEDIATE, now=1.0)
    assert receiver.receiver.sack_at == 1.0 + IMMEDIATE_SACK_DELAY


def test_gap_is_acknowledged_immediately_until_it_is_closed() -> None:
    receiver = Receiver()
    receiver.data(1, now=1.0)
    assert receiver.receiver.sack_at == 1.0
    assert receiver.receiver.sack().gaps == [(2, 2)]
    receiver.data(0, now=2.0)
    assert receiver.receiver.sack_at == 2.0
    assert receiver.receiver.sack().gaps == []


def test_sack_for_many_packets_is_duplicated_on_a_lossy_path() -> None:
    receiver = Receiver()
    for offset in range(2 * DUPLICATE_SACK_PACKETS):
        receiver.data(offset)
    assert not receiver.receiver.should_duplicate_sack(), "nothing is missing"
    receiver.receiver.sack()
    first = 2 * DUPLICATE_SACK_PACKETS + 1
    for offset in range(first, first + DUPLICATE_SACK_PACKETS):
        assert not receiver.receiver.should_duplicate_sack()
        receiver.data(offset)
    assert receiver.receiver.should_duplicate_sack()
    receiver.receiver.sack()
    assert not receiver.receiver.should_duplicate_sack()


def test_duplicates_are_reported_and_not_delivered() -> None:
    receiver = Receiver()
    receiver.data(0)
    receiver.receiver.sack()
    receiver.data(0, now=3.0)
    receiver.data(2, now=3.0)
    for _ in range(MAX_DUPLICATES + 5):
        receiver.data(2, now=3.0)
    assert receiver.receiver.sack_at == 3.0
    assert receiver.receiver.sack().duplicates == [FIRST] + [FIRST + 2] * (MAX_DUPLICATES - 1)
    assert len(receiver.got) == 2


@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_tsn_tracking_in_any_order_with_duplicates(rng: random.Random, count: int) -> None:
    receiver = Receiver()
    offsets = list(range(count)) + rng.choices(range(count), k=count // 2)
    rng.shuffle(offsets)
    seen: set[int] = set()
    for offset in offsets:
        receiver.data(offset, payload=bytes((offset,)))
        seen.add(offset)
        cumulative = receiver.receiver.cumulative_tsn - FIRST
        assert all(one in seen for one in range(cumulative + 1))
        assert cumulative + 1 not in seen
        reported = {one for first, last in receiver.receiver.sack().gaps for one in range(first, last + 1)}
        assert {cumulative + one for one in reported} == {one for one in seen if one > cumulative}
    assert sorted(receiver.got) == [bytes((offset,)) for offset in range(count)]


def test_buffered_data_closes_the_window_and_the_rest_is_dropped() -> None:
    receiver = Receiver()
    payload = bytes(60_000)
    for offset in range(1, 100):
        receiver.data(offset, payload, FLAG_BEGIN | FLAG_END, ssn=offset)
    assert receiver.receiver.reassembly.buffered <= RECEIVE_BUFFER
    assert receiver.receiver.sack().window == 0
    receiver.data(0, payload, FLAG_BEGIN | FLAG_END)  # closes the gap, so it is accepted
    assert receiver.receiver.reassembly.buffered == 0
    assert receiver.receiver.sack().window == RECEIVE_WINDOW


def test_gaps_and_distance_are_bounded() -> None:
    receiver = Receiver()
    for index in range(1, MAX_GAPS + 50):
        receiver.data(2 * index)
    assert len(receiver.got) == MAX_GAPS
    receiver = Receiver()
    receiver.data(MAX_TSN_AHEAD + 5)
    assert receiver.got == []


def test_forward_tsn_advances_the_cumulative_tsn() -> None:
    receiver = Receiver()
    receiver.data(3)
    receiver.receiver.receive_forward_tsn(ForwardTsn((FIRST + 2) & 0xFFFF_FFFF, ()), 1.0)
    assert receiver.receiver.cumulative_tsn == FIRST + 3
    assert receiver.receiver.sack_at == 1.0
    receiver.receiver.receive_forward_tsn(ForwardTsn(FIRST, ()), 1.0)  # out of date
    assert receiver.receiver.cumulative_tsn == FIRST + 3


def test_data_chunk_without_user_data_is_malformed() -> None:
    with pytest.raises(ChunkError):
        Receiver().data(0, payload=b"")


@pytest.mark.parametrize("size", [MIN_PACKET_SIZE, MAX_PACKET_SIZE])
def test_sack_fits_into_a_packet(size: int) -> None:
    """Its first gaps are reported, as the sender needs these first."""
    receiver = Receiver()
    for offset in range(0, 2 * MAX_GAPS, 2):
        receiver.data(offset)
    for _ in range(2 * MAX_DUPLICATES):
        receiver.data(0)
    sack = receiver.receiver.sack(size)
    assert len(sack.duplicates) == MAX_DUPLICATES
    assert sack.gaps[:3] == [(2, 2), (4, 4), (6, 6)]
    assert size - 100 < PACKET_HEADER_SIZE + len(sack.encode()) <= size
