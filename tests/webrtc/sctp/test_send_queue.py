from __future__ import annotations

import pytest

from livekit.webrtc.sctp.send_queue import Message, OutboundStream, SendQueue


def take(queue: SendQueue, size: int = 1 << 30) -> tuple[int, bytes]:
    message = queue.head()
    assert message is not None
    if message.offset == 0:
        queue.begin(message, 0.0)
    end = min(message.offset + size, len(message.data))
    piece = message.data[message.offset : end]
    queue.advance(message, len(piece))
    return message.stream.stream_id, piece


def test_streams_are_served_round_robin() -> None:
    queue = SendQueue()
    busy, quiet = OutboundStream(1), OutboundStream(2)
    for letter in b"abcd":
        queue.push(Message(busy, 53, bytes((letter,))))
    queue.push(Message(quiet, 53, b"z"))
    assert [take(queue) for _ in range(5)] == [(1, b"a"), (2, b"z"), (1, b"b"), (1, b"c"), (1, b"d")]
    assert queue.head() is None


def test_fragments_of_a_message_are_not_interleaved() -> None:
    queue = SendQueue()
    queue.push(Message(OutboundStream(1), 53, b"abcd"))
    queue.push(Message(OutboundStream(2), 53, b"z"))
    assert [take(queue, 3) for _ in range(3)] == [(1, b"abc"), (1, b"d"), (2, b"z")]


def test_only_ordered_messages_are_numbered() -> None:
    queue = SendQueue()
    stream = OutboundStream(1)
    messages = [Message(stream, 53, b"x", ordered=ordered) for ordered in (True, False, True)]
    for message in messages:
        queue.push(message)
        take(queue)
    assert [message.ssn for message in messages] == [0, 0, 1]
    assert stream.next_ssn == 2


def test_buffered_amount_and_its_low_threshold() -> None:
    low: list[int] = []
    stream = OutboundStream(1, lambda: low.append(stream.buffered))
    stream.low_threshold = 2
    queue = SendQueue()
    queue.push(Message(stream, 53, b"abcdef"))
    assert stream.buffered == queue.buffered == 6
    take(queue, 3)
    queue.notify_buffered_amount_low()
    assert low == []
    take(queue, 1)
    take(queue, 1)
    queue.notify_buffered_amount_low()
    queue.notify_buffered_amount_low()
    assert low == [1]
    assert stream.buffered == queue.buffered == 1


def test_abandon_drops_the_rest_of_a_begun_message() -> None:
    queue = SendQueue()
    stream = OutboundStream(1)
    first = Message(stream, 53, b"abcdef")
    queue.push(first)
    queue.push(Message(stream, 53, b"next"))
    take(queue, 2)
    queue.abandon(first)
    queue.abandon(first)
    assert queue.buffered == 4
    assert take(queue) == (1, b"next")


def test_discard_drops_the_messages_of_one_stream() -> None:
    queue = SendQueue()
    discarded, kept = OutboundStream(1), OutboundStream(2)
    for stream in (discarded, discarded, kept):
        queue.push(Message(stream, 53, b"abc"))
    queue.discard(discarded)
    queue.discard(discarded)
    assert (discarded.buffered, queue.buffered) == (0, 3)
    assert take(queue) == (2, b"abc")


@pytest.mark.parametrize(
    ("max_retransmits", "lifetime", "transmissions", "now", "abandoned"),
    [
        (None, None, 99, 1e9, False),
        (0, None, 1, 1.0, True),
        (2, None, 2, 1.0, False),
        (2, None, 3, 1.0, True),
        (None, 0.5, 1, 1.4, False),
        (None, 0.5, 1, 1.5, True),
    ],
)
def test_limits_of_retransmissions_and_lifetime(
    max_retransmits: int | None, lifetime: float | None, transmissions: int, now: float, abandoned: bool
) -> None:
    """RFC 3758 section 4.1 and RFC 7496; the lifetime starts with the first transmission, here at 1.0."""
    queue = SendQueue()
    message = Message(OutboundStream(1), 53, b"x", True, max_retransmits, lifetime)
    queue.push(message)
    queue.begin(message, 1.0)
    assert message.should_abandon(transmissions, now) is abandoned
