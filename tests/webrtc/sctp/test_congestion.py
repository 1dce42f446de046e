from __future__ import annotations

import pytest

from livekit.webrtc.sctp.congestion import CongestionControl
from livekit.webrtc.sctp.constants import (
    INITIAL_WINDOW_PACKETS,
    MAX_QUEUE_DELAY,
    MAX_RATE,
    MAX_WINDOW_LARGE_PACKETS,
    MAX_WINDOW_PACKETS,
    MIN_WINDOW_PACKETS,
    RTT_FILTER_SAMPLES,
)

MTU = 1000


@pytest.fixture
def congestion() -> CongestionControl:
    return CongestionControl(MTU)


def test_initial_window(congestion: CongestionControl) -> None:
    assert congestion.cwnd == INITIAL_WINDOW_PACKETS * MTU


def test_slow_start_grows_by_the_acknowledged_bytes_up_to_two_packets(congestion: CongestionControl) -> None:
    before = congestion.cwnd
    congestion.on_ack(500, before, 1)
    assert congestion.cwnd == before + 500
    congestion.on_ack(9000, congestion.cwnd, 2)
    assert congestion.cwnd == before + 500 + 2 * MTU


def test_unused_window_does_not_grow(congestion: CongestionControl) -> None:
    before = congestion.cwnd
    congestion.on_ack(2000, 5000, 1)
    assert congestion.cwnd == before


def test_window_has_a_ceiling(congestion: CongestionControl) -> None:
    for tsn in range(1000):
        congestion.on_ack(2 * MTU, congestion.cwnd, tsn)
    assert congestion.cwnd == MAX_WINDOW_PACKETS * MTU
    congestion.on_rtt_sample(0.1, 0.1)
    assert congestion.max_cwnd == int(MAX_RATE * 0.1)
    congestion.on_rtt_sample(0.0001, 0.0001)
    assert congestion.max_cwnd == MAX_WINDOW_PACKETS * MTU


@pytest.fixture
def queued(congestion: CongestionControl) -> CongestionControl:
    """A path with a standing queue, where losses mean congestion."""
    congestion.on_rtt_sample(0.05, 0.05)
    for _ in range(RTT_FILTER_SAMPLES):
        congestion.on_rtt_sample(1.0, 0.05)
    congestion.cwnd = congestion.ssthresh = INITIAL_WINDOW_PACKETS * MTU
    return congestion


def test_losses_without_a_queue_leave_the_initial_window(congestion: CongestionControl) -> None:
    for tsn in range(1000):
        congestion.on_ack(2 * MTU, congestion.cwnd, tsn)
    assert congestion.enter_fast_recovery(2000)
    assert congestion.cwnd == MAX_WINDOW_PACKETS // 2 * MTU
    for _ in range(10):
        congestion.on_t3_expiry()
    assert congestion.cwnd == congestion.ssthresh == INITIAL_WINDOW_PACKETS * MTU


def test_single_long_round_trip_is_not_a_queue(congestion: CongestionControl) -> None:
    for rtt in (0.05, 1.0, 0.05, 1.0):
        congestion.on_rtt_sample(rtt, 0.05)
    congestion.on_t3_expiry()
    assert congestion.cwnd == INITIAL_WINDOW_PACKETS * MTU


def test_one_reduction_per_loss_event(queued: CongestionControl) -> None:
    congestion, before = queued, queued.cwnd
    assert congestion.enter_fast_recovery(50)
    assert congestion.cwnd == before // 2
    assert not congestion.enter_fast_recovery(60)
    congestion.on_ack(5000, congestion.cwnd, 49)
    assert congestion.cwnd == before // 2  # no growth in fast recovery
    congestion.on_ack(5000, congestion.cwnd, 50)
    assert congestion.enter_fast_recovery(70)
    assert congestion.cwnd == before // 4


def test_congestion_avoidance_adds_one_packet_per_window(queued: CongestionControl) -> None:
    congestion = queued
    congestion.enter_fast_recovery(1)
    congestion.on_ack(0, 0, 1)
    before = congestion.cwnd
    congestion.on_ack(1, before, 2)  # cwnd is not above ssthresh: the last step of slow start
    before = congestion.cwnd
    for tsn in range(7):
        congestion.on_ack(MTU, before, 3 + tsn)
    assert congestion.cwnd == before
    congestion.on_ack(2 * MTU, before, 10)
    assert congestion.cwnd == before + MTU


def test_timeout_reduces_the_window_to_one_packet(queued: CongestionControl) -> None:
    congestion = queued
    congestion.on_t3_expiry()
    assert congestion.cwnd == MTU
    assert congestion.ssthresh == INITIAL_WINDOW_PACKETS // 2 * MTU
    for _ in range(9):
        congestion.on_t3_expiry()
    assert congestion.ssthresh == 4 * MTU


def test_idle_time_halves_the_window_down_to_the_initial_window(congestion: CongestionControl) -> None:
    for tsn in range(1000):
        congestion.on_ack(2 * MTU, congestion.cwnd, tsn)
    congestion.on_idle(0.5, 1.0)
    assert congestion.cwnd == MAX_WINDOW_PACKETS * MTU
    congestion.on_idle(1.1, 1.0)
    assert congestion.cwnd == MAX_WINDOW_PACKETS // 2 * MTU
    congestion.on_idle(1e6, 1.0)
    assert congestion.cwnd == INITIAL_WINDOW_PACKETS * MTU


def test_standing_queue_shrinks_the_window_to_the_delay_target(congestion: CongestionControl) -> None:
    before = congestion.cwnd
    congestion.on_rtt_sample(0.05, 0.05)
    congestion.on_rtt_sample(0.6, 0.05)
    assert congestion.cwnd == congestion.ssthresh == before, "a single long round trip ends slow start only"
    congestion.on_rtt_sample(0.3, 0.05)
    assert congestion.cwnd == congestion.ssthresh == int(before * (0.05 + MAX_QUEUE_DELAY) / 0.3)
    for _ in range(10):
        congestion.on_rtt_sample(5.0, 0.05)
    assert congestion.cwnd == MIN_WINDOW_PACKETS * MTU


def test_stalled_acknowledgements_are_not_a_queue(congestion: CongestionControl) -> None:
    before = congestion.cwnd
    congestion.on_rtt_sample(0.001, 0.001)
    for _ in range(10):
        congestion.on_rtt_sample(0.6, 0.001, 0.5)
    assert congestion.cwnd == before, "a busy host acknowledges late, and everything at once"
    for _ in range(10):
        congestion.on_rtt_sample(0.6, 0.001, 0.1)
    assert congestion.cwnd == MIN_WINDOW_PACKETS * MTU


def test_resize_keeps_the_window_within_its_ceiling(congestion: CongestionControl) -> None:
    """Large packets have their own ceiling: each takes 16 KiB of the receiver's socket buffer."""
    assert congestion.max_cwnd == MAX_WINDOW_PACKETS * MTU
    congestion.resize(15_872)
    assert congestion.max_cwnd == MAX_WINDOW_LARGE_PACKETS * 15_872
    congestion.cwnd = congestion.max_cwnd
    congestion.resize(MTU)
    assert congestion.cwnd == congestion.max_cwnd == MAX_WINDOW_PACKETS * MTU
