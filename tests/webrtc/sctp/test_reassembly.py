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
        self.got: list[tuple[int, int, bytes]] = []
        self.reassembly = Reassembly(self._take)

    def _take(self, stream: int, ppid: int, data: bytes) -> None:
        self.got.append((stream, ppid, data))


def test_order_within_a_stream_only() -> None:
    receiver = Receiver()
    receiver.reassembly.add(2, WHOLE, 1, 1, 53, b"b")
    receiver.reassembly.add(3, WHOLE, 2, 0, 53, b"c")
    assert receiver.got == [(2, 53, b"c")]
    assert receiver.reassembly.buffered == 1 + CHUNK_OVERHEAD
    receiver.reassembly.add(1, WHOLE, 1, 0, 53, b"a")
    assert receiver.got == [(2, 53, b"c"), (1, 53, b"a"), (1, 53, b"b")]
    assert receiver.reassembly.buffered == 0


def test_stream_sequence_numbers_wrap() -> None:
    receiver = Receiver()
    for number in range(0x10000 + 3):
        receiver.reassembly.add(number, WHOLE, 1, number & 0xFFFF, 53, b"x")
    assert len(receiver.got) == 0x10000 + 3


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
        assert [data for one, ppid, data in receiver.got if one == stream and ppid == 53] == expected
    assert sorted(data for _, ppid, data in receiver.got if ppid == 51) == sorted(unordered)
    assert receiver.reassembly.buffered == 0


def test_a_message_over_the_limit() -> None:
    receiver = Receiver()
    piece = bytes(MAX_MESSAGE_SIZE // 2)
    receiver.reassembly.add(1, FLAG_BEGIN, 1, 0, 53, piece)
    receiver.reassembly.add(2, 0, 1, 0, 53, piece)
    with pytest.raises(MessageTooLongError):
        receiver.reassembly.add(3, FLAG_END, 1, 0, 53, b"x")


def test_skip_discards_fragments_and_releases_what_waited() -> None:
    receiver = Receiver()
    add = receiver.reassembly.add
    add(1, FLAG_BEGIN, 1, 0, 53, b"lost")
    add(5, WHOLE, 1, 2, 53, b"c")
    add(6, WHOLE, 1, 3, 53, b"d")
    add(8, WHOLE, 1, 5, 53, b"f")
    receiver.reassembly.skip(4, [(1, 1)])
    assert [data for _, _, data in receiver.got] == [b"c", b"d"]
    receiver.reassembly.skip(7, [(1, 4), (1, 2)])
    assert [data for _, _, data in receiver.got] == [b"c", b"d", b"f"]
    assert receiver.reassembly.buffered == 0


def test_skip_keeps_a_message_that_has_all_up_to_there() -> None:
    receiver = Receiver()
    receiver.reassembly.add(4, FLAG_BEGIN, 1, 0, 53, b"a")
    receiver.reassembly.skip(4, [])
    receiver.reassembly.add(5, FLAG_END, 1, 0, 53, b"b")
    assert [data for _, _, data in receiver.got] == [b"ab"]


@pytest.mark.parametrize("flags", [WHOLE, FLAG_BEGIN])
def test_an_unfinished_message_ends_where_the_next_begins(flags: int) -> None:
    receiver = Receiver()
    receiver.reassembly.add(4, FLAG_BEGIN | FLAG_UNORDERED, 1, 0, 53, b"abandoned")
    receiver.reassembly.add(5, flags | FLAG_UNORDERED, 1, 0, 53, b"b")
    receiver.reassembly.skip(5, [])
    receiver.reassembly.add(6, FLAG_END | FLAG_UNORDERED if flags == FLAG_BEGIN else WHOLE, 1, 0, 53, b"c")
    assert receiver.reassembly.buffered == 0


def test_reset_starts_the_numbers_anew() -> None:
    receiver = Receiver()
    receiver.reassembly.add(1, WHOLE, 1, 0, 53, b"a")
    receiver.reassembly.add(2, WHOLE, 1, 7, 53, b"stray")
    receiver.reassembly.reset_streams([1])
    receiver.reassembly.add(3, WHOLE, 1, 0, 53, b"b")
    assert [data for _, _, data in receiver.got] == [b"a", b"b"]
    assert receiver.reassembly.buffered == 0
