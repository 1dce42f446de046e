from __future__ import annotations

import pytest

from livekit.webrtc.sctp.bundling import Bundle
from livekit.webrtc.sctp.chunks import DATA_HEADER, ForwardTsn, Sack
from livekit.webrtc.sctp.congestion import CongestionControl
from livekit.webrtc.sctp.constants import (
    FLAG_BEGIN,
    FLAG_END,
    FLAG_IMMEDIATE,
    INITIAL_WINDOW_PACKETS,
    MAX_BURST_PACKETS,
    MAX_PACKET_SIZE,
    MIN_WINDOW_PACKETS,
    NEVER,
    RTO_INITIAL,
    STALL_TRANSMISSIONS,
    THIN_TIMEOUTS,
    ChunkType,
)
from livekit.webrtc.sctp.data_sender import DataSender
from livekit.webrtc.sctp.rto import RetransmissionTimeout
from livekit.webrtc.sctp.send_queue import Message, OutboundStream, SendQueue

FIRST = 0xFFFF_FFFE
WINDOW = 1 << 20


class Sender:
    def __init__(self, window: int = WINDOW) -> None:
        self.queue = SendQueue()
        self.rto = RetransmissionTimeout()
        self.congestion = CongestionControl()
        self.sender = DataSender(FIRST, self.rto, self.congestion, self.queue)
        self.sender.set_peer(window, partial_reliability=True)
        self.bundle = Bundle(MAX_PACKET_SIZE)
        self.stream = OutboundStream(4)
        self.delivered: list[int] = []

    def push(self, count: int, size: int = 1000, *, ordered: bool = True, max_retransmits: int | None = None) -> None:
        for index in range(count):

            def on_delivered(index: int = index) -> None:
                self.delivered.append(index)

            message = Message(self.stream, 53, bytes(size), ordered, max_retransmits, None, on_delivered)
            self.queue.push(message)

    def flush(self, now: float = 0.0) -> list[list[bytes]]:
        self.sender.transmit(self.bundle, now)
        return self.bundle.take()

    def sent(self, now: float = 0.0) -> list[int]:
        """Flush; return the offsets of the TSNs sent."""
        return [(tsn_of(chunk) - FIRST) & 0xFFFF_FFFF for chunks in self.flush(now) for chunk in chunks]

    def sack(self, offset: int, *gaps: tuple[int, int], window: int = WINDOW, now: float = 0.1) -> None:
        """Acknowledge everything up to an offset, and ranges of offsets above it."""
        blocks = [(first - offset, last - offset) for first, last in gaps]
        for call in self.sender.acknowledge(Sack((FIRST + offset) & 0xFFFF_FFFF, window, blocks, []), now):
            call()


def tsn_of(chunk: bytes) -> int:
    return int(DATA_HEADER.unpack_from(chunk)[3])


@pytest.fixture
def sender() -> Sender:
    return Sender()


def test_fragments_and_flags(sender: Sender) -> None:
    sender.push(1, 2500)
    chunks = [chunk for packet in sender.flush() for chunk in packet]
    headers = [DATA_HEADER.unpack_from(chunk) for chunk in chunks]
    assert [header[1] for header in headers] == [FLAG_BEGIN, 0, FLAG_END | FLAG_IMMEDIATE]
    assert [header[3] for header in headers] == [FIRST, FIRST + 1, 0]
    assert {(header[4], header[5], header[6]) for header in headers} == {(4, 0, 53)}
    assert sum(header[2] - 16 for header in headers) == 2500
    assert all(len(chunk) + 12 <= MAX_PACKET_SIZE for chunk in chunks)


def test_congestion_window_limits_the_flight_size(sender: Sender) -> None:
    sender.push(50)
    assert len(sender.sent()) == pytest.approx(16 * 1188 / 1016, abs=1)
    assert sender.sent() == []
    sender.sack(3)
    assert sender.sender.outstanding.flight_size <= sender.congestion.cwnd + 1188
    assert len(sender.sent()) >= 4


def test_burst_of_new_data_is_bounded(sender: Sender) -> None:
    sender.congestion.cwnd = 1 << 30
    sender.push(100)
    assert len(sender.sent()) == MAX_BURST_PACKETS


def test_receiver_window_is_honoured_and_probed() -> None:
    sender = Sender(window=2500)
    sender.push(9)
    assert sender.sent() == [0, 1]
    sender.sack(1, window=0)
    assert sender.sent() == [2]
    assert sender.sent() == []
    sender.sender.handle_t3(1.0)
    assert sender.sent(1.0) == [2]
    sender.sack(2, window=WINDOW)
    assert sender.sent()[0] == 3


def test_delivery_is_confirmed_by_the_cumulative_tsn(sender: Sender) -> None:
    sender.push(3)
    sender.sent()
    sender.sack(-1, (1, 2))
    assert sender.delivered == []
    sender.sack(2)
    assert sender.delivered == [0, 1, 2]
    assert sender.sender.is_idle
    assert sender.sender.t3_at == NEVER
    assert sender.sender.outstanding.flight_size == 0


def test_old_and_impossible_sacks_are_ignored(sender: Sender) -> None:
    sender.push(3)
    sender.sent()
    sender.sack(1)
    sender.sack(0, (2, 2))
    sender.sack(7)
    sender.sack(1, (9, 9), (5, 4), (2, 1))
    assert sender.delivered == [0, 1]
    assert sender.sender.outstanding.cumulative_acked_tsn == FIRST + 1


def test_fast_retransmit_after_three_later_packets(sender: Sender) -> None:
    sender.push(10)
    sender.sent()
    sender.sack(-1, (1, 2))
    assert sender.sent() == []
    sender.sack(-1, (1, 3))
    before = sender.congestion.cwnd
    assert sender.sent() == [0]
    sender.sack(-1, (1, 5))
    assert sender.sent() == []  # once
    assert sender.congestion.cwnd == before
    assert sender.sender.retransmissions == 1


def test_lost_retransmission_is_retransmitted(sender: Sender) -> None:
    sender.push(10)
    sender.sent()
    sender.sack(-1, (1, 9))
    assert sender.sent() == [0]
    sender.push(4)
    assert sender.sent() == [10, 11, 12, 13]
    sender.sack(-1, (1, 13))
    assert sender.sent() == [0]


def test_acknowledged_retransmission_reveals_other_losses_after_a_round_trip(sender: Sender) -> None:
    sender.rto.sample(0.1)
    sender.push(10)
    sender.sent()
    sender.sack(-1, (9, 9), now=0.1)
    assert sender.sent(0.1) == list(range(9))
    sender.sack(-1, (8, 9), now=0.15)
    assert sender.sent(0.15) == [], "the first transmission may be the one acknowledged"
    sender.sack(-1, (7, 9), now=0.2)
    assert sender.sent(0.2) == [0, 1, 2, 3, 4], "everything sent three packets earlier"


def test_early_retransmit_when_no_further_evidence_can_arrive(sender: Sender) -> None:
    sender.push(2)
    sender.sent()
    sender.sack(-1, (1, 1))
    assert sender.sent() == [0]


def test_reneged_chunks_are_retransmitted(sender: Sender) -> None:
    sender.push(6)
    sender.sent()
    sender.sack(-1, (1, 1), (4, 5))
    sender.sack(0, (4, 4))
    sender.sender.handle_t3(2.0)
    sender.congestion.cwnd = WINDOW
    assert sender.sent(2.0) == [1, 2, 3, 5]


def test_timeout_retransmits_within_the_window(sender: Sender) -> None:
    sender.push(5)
    sender.sent()
    assert sender.sender.t3_at == RTO_INITIAL
    sender.sack(-1, (3, 3), now=0.1)
    sender.sender.handle_t3(0.6)
    sender.congestion.cwnd = 1000
    assert sender.sent(0.6) == [0]
    sender.sack(0, (3, 3), now=0.7)
    assert sender.rto.srtt is None  # Karn's rule
    assert sender.sent(0.7)[0] == 1


def test_timeouts_back_off_unless_the_flight_is_thin(sender: Sender) -> None:
    sender.push(5)
    sender.sent()
    sender.sender.handle_t3(0.5)
    assert sender.rto.value == 2 * RTO_INITIAL
    sender.sent(0.5)
    sender.sack(3, now=0.6)
    for number in range(THIN_TIMEOUTS):
        assert sender.rto.value == RTO_INITIAL
        sender.sender.handle_t3(1.0 + number)
        assert sender.sent(1.0 + number) == [4]
    sender.sender.handle_t3(10.0)
    assert sender.rto.value == 2 * RTO_INITIAL


def test_round_trip_is_measured(sender: Sender) -> None:
    sender.push(2)
    sender.sent(1.0)
    sender.sack(1, now=1.25)
    assert sender.rto.srtt == 0.25
    sender.push(2)
    sender.sent(2.0)
    sender.sack(1, (3, 3), now=2.25)  # the last chunk is the one measured
    assert sender.rto.srtt == 0.25


def test_abandoned_message_is_skipped_with_forward_tsn(sender: Sender) -> None:
    sender.push(1, 3000, max_retransmits=0)
    sender.push(4)
    sender.sent()
    sender.sack(-1, (1, 6))
    packets = sender.flush()
    assert packets[0][0][0] == ChunkType.FORWARD_TSN
    forward = ForwardTsn.parse(packets[0][0][4:])
    assert (forward.cumulative_tsn, forward.streams) == ((FIRST + 2) & 0xFFFF_FFFF, ((4, 0),))
    sender.sender.handle_t3(3.0)
    assert sender.sender.has_work  # FORWARD TSN again, as it was not acknowledged
    sender.sack(6)
    assert sender.delivered == [0, 1, 2, 3]  # the reliable messages
    assert sender.sender.is_idle


def test_abandoning_drops_the_unsent_rest(sender: Sender) -> None:
    sender.push(1, 100_000, ordered=False, max_retransmits=0)
    count = len(sender.sent())
    assert sender.queue.buffered > 0
    sender.sender.handle_t3(1.0)
    assert sender.queue.buffered == 0
    sender.sack(count - 1)
    assert sender.sender.is_idle
    assert sender.delivered == []


def test_peer_without_partial_reliability_gets_every_message(sender: Sender) -> None:
    sender.sender.set_peer(WINDOW, partial_reliability=False)
    sender.push(1, max_retransmits=0)
    sender.sent()
    sender.sender.handle_t3(1.0)
    assert sender.sent(1.0) == [0]


def exchange(sender: Sender, *, spread: bool) -> None:
    """Exchange eight packets per round trip of 0.6 s, after one of 1 ms, acknowledged one by one or all at the end."""
    sender.push(1)
    sender.sent(0.0)
    sender.sack(0, now=0.001)
    acked = 0
    for round_trip in range(10):
        sent_at = 1.0 + round_trip
        sender.push(8)
        first, last = acked + 1, max(sender.sent(sent_at))
        for offset in range(first, last + 1):
            ago = 0.6 * (offset - last) / 8 if spread else 0.0
            sender.sack(offset, now=sent_at + 0.6 + ago)
        acked = last


def test_spread_acknowledgements_indicate_a_queue(sender: Sender) -> None:
    exchange(sender, spread=True)
    assert sender.congestion.cwnd == MIN_WINDOW_PACKETS * MAX_PACKET_SIZE


def test_simultaneous_acknowledgements_indicate_a_busy_host(sender: Sender) -> None:
    exchange(sender, spread=False)
    assert sender.congestion.cwnd >= INITIAL_WINDOW_PACKETS * MAX_PACKET_SIZE


def test_burst_of_retransmissions_is_bounded(sender: Sender) -> None:
    sender.congestion.cwnd = 1 << 30
    for _ in range(2):
        sender.push(MAX_BURST_PACKETS)
        sender.sent()
    sender.sender.handle_t3(1.0)
    sender.congestion.cwnd = 1 << 30
    assert len(sender.sent(1.0)) == MAX_BURST_PACKETS
    assert sender.sent(1.0)[0] == MAX_BURST_PACKETS


def test_shutdown_acknowledges_without_changing_the_window(sender: Sender) -> None:
    """RFC 9260 section 9.2: SHUTDOWN carries the cumulative TSN, and no window."""
    sender.push(2)
    sender.sent()
    sack = sender.sender.sack_from_shutdown((FIRST + 1) & 0xFFFF_FFFF)
    assert (sack.window, sack.gaps, sack.duplicates) == (WINDOW, [], [])
    assert len(sender.sender.acknowledge(sack, 0.1)) == 2
    assert sender.sender.is_idle


def test_chunk_that_is_lost_repeatedly_is_reported(sender: Sender) -> None:
    sender.push(1)
    for number in range(STALL_TRANSMISSIONS):
        assert sender.sender.stalled is None
        sender.flush(float(number))
        sender.sender.handle_t3(number + 0.9)
    assert sender.sender.stalled is sender.sender.outstanding.chunks[FIRST]
