from __future__ import annotations

import random

import pytest

from livekit.webrtc.rtp.reception import ReceptionStatistics


def _receive(statistics: ReceptionStatistics, *sequence_numbers: int) -> None:
    for number in sequence_numbers:
        statistics.receive(number & 0xFFFF, 960 * number & 0xFFFF_FFFF, 100, 0.02 * number)


def test_perfect_reception() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    _receive(statistics, *range(65_500, 65_600))
    report = statistics.report(0.0)
    assert (report.ssrc, report.fraction_lost, report.cumulative_lost, report.jitter) == (7, 0, 0, 0)
    assert report.highest_sequence_number == 65_599
    assert (statistics.packets, statistics.bytes, statistics.expected) == (100, 10_000, 100)


def test_nothing_received() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    report = statistics.report(5.0)
    assert (report.fraction_lost, report.cumulative_lost, report.highest_sequence_number) == (0, 0, 0)
    assert (statistics.expected, statistics.lost) == (0, 0)


def test_fraction_lost_covers_the_time_since_the_last_report() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    _receive(statistics, *(n for n in range(100) if n % 4))
    statistics.report(0.0)
    _receive(statistics, *range(100, 199), 200)
    report = statistics.report(0.0)
    assert report.fraction_lost == 256 // 101
    assert report.cumulative_lost == 24 + 1  # the first packet, number 0, is not missed
    assert statistics.report(0.0).fraction_lost == 0


def test_late_packets_are_no_loss() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    _receive(statistics, 10, 12, 11, 9)
    assert (statistics.expected, statistics.lost) == (4, 0)


def test_duplicates_make_the_loss_negative() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    _receive(statistics, 1, 1, 1, 2)
    report = statistics.report(0.0)
    assert (report.cumulative_lost, report.fraction_lost) == (-2, 0)


def test_jump_ahead_counts_only_if_it_is_confirmed() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    _receive(statistics, 1, 2, 20_000, 3)
    assert (statistics.expected, statistics.report(0.0).highest_sequence_number) == (3, 3)
    _receive(statistics, 30_000, 30_001, 30_002)
    assert (statistics.expected, statistics.lost) == (2, 0)
    assert statistics.packets == 7


def test_jitter_approaches_the_mean_difference_of_transit_times() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    rng = random.Random(1)
    differences, previous = list[float](), 0.0
    for number in range(2000):
        delay = rng.uniform(0.0, 0.02)
        statistics.receive(number, 960 * number, 100, 0.02 * number + delay)
        differences.append(abs(delay - previous))
        previous = delay
    assert statistics.jitter == pytest.approx(sum(differences) / len(differences), rel=0.5)
    assert statistics.report(0.0).jitter == int(statistics.jitter * 48_000)


def test_timestamp_wrap_around_is_no_jitter() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    for number in range(100):
        statistics.receive(number, ((1 << 32) - 960 * 50 + 960 * number) & 0xFFFF_FFFF, 100, 0.02 * number)
    assert statistics.jitter < 1e-6


def test_delay_since_the_last_sender_report() -> None:
    statistics = ReceptionStatistics(7, 48_000)
    _receive(statistics, 1)
    assert statistics.report(9.0).delay_since_last_sender_report == 0
    statistics.receive_sender_report(0x1111_2222_3333_4444, 10.0)
    report = statistics.report(11.5)
    assert (report.last_sender_report, report.delay_since_last_sender_report) == (0x2222_3333, 98_304)
