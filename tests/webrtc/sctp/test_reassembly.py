from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.sctp.constants import CHUNK_OVERHEAD, FLAG_BEGIN, FLAG_END, FLAG_UNORDERED, MAX_MESSAGE_SIZE
from livekit.webrtc.sctp.reassembly import MessageTooLongError, Reassembly

WHOLE = FLAG_BEGIN | FLAG_END


class Receiver:
    def __init__(self) -> None:
        self.received: list[tuple[int, int, bytes]] = []
        self.reassembly = Reassembly(self._take)

    def _take(self, stream: int, ppid: int, data: bytes) -> None:
        self.received.append((stream, ppid, data))


def test_order_within_a_stream_only() -> None:
    receiver = Receiver()
    receiver.reassembly.add(2, WHOLE, 1, 1, 53, b"b")
    receiver.reassembly.add(3, WHOLE, 2, 0, 53, b"c")
    assert receiver.received == [(2, 53, b"c")]
    assert receiver.reassembly.buffered == 1 + CHUNK_OVERHEAD
    receiver.reassembly.add(1, WHOLE, 1, 0, 53, b"a")
    assert receiver.received == [(2, 53, b"c"), (1, 53, b"a"), (1, 53, b"b")]
    assert receiver.reassembly.buffered == 0


def test_stream_sequence_numbers_wrap() -> None:
    receiver = Receiver()
    for number in range(0x10000 + 3):
        receiver.reassembly.add(number, WHOLE, 1, number & 0xFFFF, 53, b"x")
    assert len(receiver.received) == 0x10000 + 3


@given(st.randoms(use_true_random=False), st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=12))
def test_any_order_of_arrival(rng: random.Random, shapes: list[tuple[int, bool]]) -> None:
    receiver = Receiver()
    chunks: list[tuple[int, int, int, int, int, bytes]] = []
    ordered: dict[int, list[bytes]] = {0: [], 1: []}
    unordered: list[bytes] = []
    tsn = 0
    for index, (count, is_ordered) in enumerate(shapes):
        stream = index % 2
        ssn = len(ordered[stream]) if is_ordered else 0
        pieces = [bytes((index, piece)) for piece in range(count)]
        (ordered[stream] if is_ordered else unordered).append(b"".join(pieces))
        for number, piece in enumerate(pieces):
            flags = FLAG_BEGIN * (number == 0) | FLAG_END * (number == count - 1) | FLAG_UNORDERED * (not is_ordered)
            tsn += 1
            chunks.append((tsn, flags, stream, ssn, 53 if is_ordered else 51, piece))
    rng.shuffle(chunks)
    for chunk in chunks:
        receiver.reassembly.add(*chunk)
    for stream, expected in ordered.items():
        assert [data for one, ppid, data in receiver.received if one == stream and ppid == 53] == expected
    assert sorted(data for _, ppid, data in receiver.received if ppid == 51) == sorted(unordered)
    assert receiver.reassembly.buffered == 0


def test_message_over_the_limit() -> None:
    receiver = Receiver()
    piece = bytes(MAX_MESSAGE_SIZE // 2)
    receiver.reassembly.add(1, FLAG_BEGIN, 1, 0, 53, piece)
    receiver.reassembly.add(2, 0, 1, 0, 53, piece)
    with pytest.raises(MessageTooLongError):
        receiver.reassembly.add(3, FLAG_END, 1, 0, 53, b"x")


def test_skip_discards_fragments_and_releases_waiting_messages() -> None:
    receiver = Receiver()
    add = receiver.reassembly.add
    add(1, FLAG_BEGIN, 1, 0, 53, b"lost")
    add(5, WHOLE, 1, 2, 53, b"c")
    add(6, WHOLE, 1, 3, 53, b"d")
    add(8, WHOLE, 1, 5, 53, b"f")
    receiver.reassembly.skip(4, [(1, 1)])
    assert [data for _, _, data in receiver.received] == [b"c", b"d"]
    receiver.reassembly.skip(7, [(1, 4), (1, 2)])
    assert [data for _, _, data in receiver.received] == [b"c", b"d", b"f"]
    assert receiver.reassembly.buffered == 0


def test_skip_keeps_a_message_that_is_complete_so_far() -> None:
    receiver = Receiver()
    receiver.reassembly.add(4, FLAG_BEGIN, 1, 0, 53, b"a")
    receiver.reassembly.skip(4, [])
    receiver.reassembly.add(5, FLAG_END, 1, 0, 53, b"b")
    assert [data for _, _, data in receiver.received] == [b"ab"]


@pytest.mark.parametrize("flags", [WHOLE, FLAG_BEGIN])
def test_begin_of_the_next_message_discards_an_unfinished_one(flags: int) -> None:
    receiver = Receiver()
    receiver.reassembly.add(4, FLAG_BEGIN | FLAG_UNORDERED, 1, 0, 53, b"abandoned")
    receiver.reassembly.add(5, flags | FLAG_UNORDERED, 1, 0, 53, b"b")
    receiver.reassembly.skip(5, [])
    receiver.reassembly.add(6, FLAG_END | FLAG_UNORDERED if flags == FLAG_BEGIN else WHOLE, 1, 0, 53, b"c")
    assert receiver.reassembly.buffered == 0


def test_stream_reset_restarts_the_sequence_numbers() -> None:
    receiver = Receiver()
    receiver.reassembly.add(1, WHOLE, 1, 0, 53, b"a")
    receiver.reassembly.add(2, WHOLE, 1, 7, 53, b"stray")
    receiver.reassembly.reset_streams([1])
    receiver.reassembly.add(3, WHOLE, 1, 0, 53, b"b")
    assert [data for _, _, data in receiver.received] == [b"a", b"b"]
    assert receiver.reassembly.buffered == 0


def test_skip_releases_waiting_messages_up_to_the_skipped_one() -> None:
    """RFC 3758 section 3.6: messages 1 and 3 are complete; 0 and 2 were abandoned."""
    receiver = Receiver()
    receiver.reassembly.add(2, WHOLE, 1, 1, 53, b"b")
    receiver.reassembly.add(4, WHOLE, 1, 3, 53, b"d")
    receiver.reassembly.skip(3, [(1, 2)])
    assert [data for _, _, data in receiver.received] == [b"b", b"d"]
    assert receiver.reassembly.buffered == 0
