"""Acknowledgement, loss and abandonment of DATA chunks; one chunk per message and packet unless noted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from livekit.webrtc.sctp.constants import LOSS_THRESHOLD, PACKET_HEADER_SIZE
from livekit.webrtc.sctp.retransmission import ABANDONED, ACKED, IN_FLIGHT, LOST, OutstandingData, SentChunk
from livekit.webrtc.sctp.send_queue import Message, OutboundStream

FIRST = 0xFFFF_FFFE  # serial numbers wrap within a few chunks
SIZE = 20


class Sender:
    """Outstanding data, addressed by the offset from the first TSN."""

    def __init__(self) -> None:
        self.abandoned: list[Message] = []
        self.data = OutstandingData(FIRST, self.abandoned.append)
        self.delivered: list[int] = []
        self._packets = count()

    def send(
        self, chunks: int = 1, *, stream: int = 1, ordered: bool = True, max_retransmits: int | None = None
    ) -> Message:
        """Send one message of that number of chunks."""
        index = self.data.next_tsn - FIRST
        message = Message(
            OutboundStream(stream),
            53,
            bytes(chunks),
            ordered,
            max_retransmits,
            None,
            lambda: self.delivered.append(index),
        )
        for number in range(chunks):
            self.data.add(bytes(SIZE), message, number == chunks - 1, next(self._packets))
        return message

    def retransmit(self, offset: int, *, unambiguous_at: float = 0.0) -> None:
        self.data.mark_retransmitted(self.chunk(offset), next(self._packets), unambiguous_at)
        self.data.lost.remove(FIRST + offset)

    def acknowledge(self, offset: int, now: float = 1.0) -> int:
        """Acknowledge everything up to an offset."""
        callbacks: list[Callable[[], None]] = []
        newly_acked = self.data.acknowledge_cumulative(FIRST + offset, callbacks, now)
        for callback in callbacks:
            callback()
        return newly_acked

    def acknowledge_gaps(self, *gaps: tuple[int, int], now: float = 1.0) -> tuple[int, list[int]]:
        """Acknowledge ranges of offsets; return the bytes newly acknowledged and the offsets found lost."""
        base = self.data.cumulative_acked_tsn - FIRST
        acked, lost = self.data.acknowledge_gaps([(first - base, last - base) for first, last in gaps], now)
        return acked, [chunk.tsn - FIRST for chunk in lost]

    def chunk(self, offset: int) -> SentChunk:
        return self.data.chunks[FIRST + offset]

    def needs_forward_tsn(self) -> bool:
        return self.data.needs_forward_tsn

    def states(self) -> list[int]:
        return [chunk.state for chunk in self.data.chunks.values()]


@pytest.fixture
def sender() -> Sender:
    return Sender()


def test_cumulative_acknowledgement_removes_chunks_and_confirms_whole_messages(sender: Sender) -> None:
    """RFC 9260 section 6.2.1."""
    sender.send()
    sender.send(chunks=2)
    assert sender.data.flight_size == 3 * SIZE
    assert sender.acknowledge(1) == 2 * SIZE
    assert sender.delivered == [0]  # the second message has a fragment in flight
    assert sender.data.is_acked(FIRST + 1)
    assert not sender.data.is_acked(FIRST + 2)
    assert sender.acknowledge(2) == SIZE
    assert sender.delivered == [0, 1]
    assert (sender.data.chunks, sender.data.flight_size) == ({}, 0)


def test_gap_acknowledgement_counts_each_chunk_once(sender: Sender) -> None:
    for _ in range(5):
        sender.send()
    assert sender.acknowledge_gaps((2, 3))[0] == 2 * SIZE
    assert sender.acknowledge_gaps((2, 3))[0] == 0
    assert sender.data.is_acked(FIRST + 2)
    assert sender.data.flight_size == 3 * SIZE
    assert sender.delivered == []
    assert sender.acknowledge(3) == 2 * SIZE  # chunks 0 and 1
    assert sender.delivered == [0, 1, 2, 3]


def test_without_gaps_nothing_is_lost(sender: Sender) -> None:
    sender.send()
    assert sender.acknowledge_gaps() == (0, [])


@pytest.mark.parametrize(
    ("gaps", "acknowledged"),
    [([(4, 9)], 0), ([(5, 5), (3, 4)], 1), ([(4, 2)], 0), ([(0, 1), (1, 2)], 2)],
    ids=["beyond what was sent", "out of order", "reversed", "overlapping"],
)
def test_invalid_gap_block_ends_the_processing(sender: Sender, gaps: list[tuple[int, int]], acknowledged: int) -> None:
    for _ in range(6):
        sender.send()
    assert sender.acknowledge_gaps(*gaps)[0] == acknowledged * SIZE
    assert sender.data.flight_size == (6 - acknowledged) * SIZE
    assert FIRST + 6 not in sender.data.chunks


def test_chunk_is_lost_when_a_packet_sent_three_later_has_arrived(sender: Sender) -> None:
    """RFC 9260 section 7.2.4, counted in packets."""
    for _ in range(10):
        sender.send()
    assert sender.acknowledge_gaps((2, LOSS_THRESHOLD - 1)) == (SIZE * (LOSS_THRESHOLD - 2), [])
    assert sender.acknowledge_gaps((2, LOSS_THRESHOLD))[1] == [0]
    assert sender.acknowledge_gaps((2, LOSS_THRESHOLD + 1))[1] == [0, 1]


def test_early_retransmit_once_the_last_packet_has_arrived(sender: Sender) -> None:
    """RFC 5827: no further evidence can come."""
    sender.send()
    sender.send()
    assert sender.acknowledge_gaps((1, 1))[1] == [0]


def test_lost_chunk_leaves_the_flight_until_it_is_retransmitted(sender: Sender) -> None:
    for _ in range(2):
        sender.send()
    sender.data.mark_lost(sender.data.in_flight(), 1.0)
    sender.data.mark_lost([sender.chunk(0)], 1.0)  # already lost
    assert sender.data.lost == [FIRST, FIRST + 1]
    assert sender.data.flight_size == 0
    sender.retransmit(0)
    assert sender.states() == [IN_FLIGHT, LOST]
    assert sender.data.flight_size == SIZE
    assert sender.chunk(0).transmissions == 2
    assert sender.acknowledge(0) == SIZE
    assert sender.acknowledge(1) == 0  # a lost chunk was not in flight
    assert sender.delivered == [0, 1]


@pytest.mark.parametrize(("now", "lost"), [(1.4, []), (1.5, [1, 2])])
def test_acknowledgement_within_a_round_trip_counts_for_the_first_transmission(
    sender: Sender, now: float, lost: list[int]
) -> None:
    """Retransmission ambiguity (RFC 8985): only later it proves that the retransmission has arrived."""
    for _ in range(4):
        sender.send()
    sender.data.mark_lost([sender.chunk(0), sender.chunk(3)], 1.0)
    for offset in (0, 3):
        sender.retransmit(offset, unambiguous_at=1.5)
    sender.send()
    assert sender.acknowledge_gaps((3, 3), now=now)[1] == lost


def test_reneged_chunks_are_in_flight_again(sender: Sender) -> None:
    """RFC 9260 section 6.2.1, rule D iii: between, before and after the remaining blocks."""
    for _ in range(6):
        sender.send()
    sender.acknowledge_gaps((1, 1), (3, 3), (5, 5))
    assert sender.states() == [IN_FLIGHT, ACKED] * 3
    sender.acknowledge_gaps((3, 3))
    assert sender.states() == [IN_FLIGHT, IN_FLIGHT, IN_FLIGHT, ACKED, IN_FLIGHT, IN_FLIGHT]
    assert sender.data.flight_size == 5 * SIZE


def test_without_partial_reliability_every_loss_is_retransmitted(sender: Sender) -> None:
    sender.send(max_retransmits=0)
    sender.data.mark_lost(sender.data.in_flight(), 1.0)
    assert sender.data.lost == [FIRST]
    assert sender.abandoned == []


@pytest.fixture
def lossy() -> Sender:
    sender = Sender()
    sender.data.partial_reliability = True
    return sender


def test_loss_of_one_fragment_abandons_the_message(lossy: Sender) -> None:
    """RFC 3758 section 3.5, rules A3 and C1 to C3."""
    lossy.send()
    message = lossy.send(chunks=3, max_retransmits=0)
    lossy.send()
    lossy.acknowledge(0)
    lossy.acknowledge_gaps((1, 1))
    assert not lossy.data.advance_peer_ack_point()
    lossy.data.mark_lost([lossy.chunk(2), lossy.chunk(3)], 1.0)
    assert lossy.abandoned == [message]
    assert lossy.states() == [ABANDONED, ABANDONED, ABANDONED, IN_FLIGHT]
    assert (lossy.data.flight_size, lossy.data.lost) == (SIZE, [])
    assert lossy.data.advance_peer_ack_point()
    assert lossy.needs_forward_tsn()
    forward = lossy.data.forward_tsn()
    assert forward.cumulative_tsn == (FIRST + 3) & 0xFFFF_FFFF
    assert forward.streams == ((1, 0),)
    assert lossy.acknowledge_gaps((1, 3)) == (0, [])  # abandoned chunks may still be reported
    assert lossy.acknowledge(3) == 0
    assert not lossy.needs_forward_tsn()
    assert lossy.delivered == [0]


def test_abandoned_chunk_behind_a_gap_does_not_move_the_peer_ack_point(lossy: Sender) -> None:
    lossy.send()
    lossy.send(max_retransmits=0)
    lossy.data.mark_lost([lossy.chunk(1)], 1.0)
    assert not lossy.data.advance_peer_ack_point()
    assert not lossy.needs_forward_tsn()


def test_forward_tsn_omits_unordered_streams_and_is_bounded(lossy: Sender) -> None:
    """RFC 3758 section 3.2: a FORWARD TSN must fit into a packet, so it may cover a part of the abandoned chunks."""
    lossy.send(ordered=False, max_retransmits=0)
    for stream in range(150):
        lossy.send(stream=stream, max_retransmits=0)
    lossy.data.mark_lost(lossy.data.in_flight(), 1.0)
    lossy.data.advance_peer_ack_point()
    first = lossy.data.forward_tsn()
    assert first.streams == tuple((stream, 0) for stream in range(120))
    assert first.cumulative_tsn == (FIRST + 120) & 0xFFFF_FFFF
    lossy.acknowledge(120)
    assert lossy.data.forward_tsn().streams == tuple((stream, 0) for stream in range(120, 150))


def test_chunk_is_stalled_after_three_losses_and_every_second_further_one(sender: Sender) -> None:
    sender.send()
    stalled: list[bool] = []
    for _ in range(6):
        stalled.append(sender.chunk(0).is_stalled)
        sender.data.mark_lost([sender.chunk(0)], 1.0)
        sender.retransmit(0)
    assert stalled == [False, False, True, False, True, False]


def test_chunk_is_pending_until_acknowledged_or_abandoned(lossy: Sender) -> None:
    lossy.send()
    lossy.send()
    lossy.send(max_retransmits=0)
    first, second, third = (lossy.chunk(offset) for offset in range(3))
    assert first.packet_size == PACKET_HEADER_SIZE + SIZE
    assert all(lossy.data.is_pending(chunk) for chunk in (first, second, third))
    lossy.data.mark_lost([second, third], 1.0)
    assert [lossy.data.is_pending(chunk) for chunk in (first, second, third)] == [True, True, False]
    lossy.acknowledge_gaps((1, 1))
    assert not lossy.data.is_pending(second)
    lossy.acknowledge(0)
    assert not lossy.data.is_pending(first)
