from __future__ import annotations

import random

import pytest

from livekit.media.audio.delay_estimator import BASE_WINDOW, DelayEstimator


def _observe(estimator: DelayEstimator, delays: list[float], first: int = 0) -> None:
    for number, delay in enumerate(delays, first):
        estimator.observe(960 * number, 0.02 * number + delay)


def test_steady_packets_need_the_shortest_delay() -> None:
    estimator = DelayEstimator(48_000)
    _observe(estimator, [0.1] * 200)
    assert estimator.target == pytest.approx(0.005)


def test_target_covers_frequent_jitter() -> None:
    estimator = DelayEstimator(48_000)
    _observe(estimator, [0.08 if n % 10 == 0 else 0.0 for n in range(1000)])
    assert estimator.target == pytest.approx(0.085)


def test_single_stall_is_not_worth_the_delay() -> None:
    estimator = DelayEstimator(48_000)
    _observe(estimator, [0.0] * 1000)
    _observe(estimator, [0.2], 1000)
    _observe(estimator, [0.0] * 20, 1001)
    assert estimator.target == pytest.approx(0.005)


def test_jitter_is_forgotten_within_minutes() -> None:
    estimator = DelayEstimator(48_000)
    _observe(estimator, [0.1 if n % 5 == 0 else 0.0 for n in range(1000)])
    _observe(estimator, [0.0] * 9000, 1000)
    assert estimator.target == pytest.approx(0.005)


def test_share_of_late_packets_is_small_for_normal_jitter() -> None:
    estimator, rng = DelayEstimator(48_000), random.Random(1)
    delays = [max(rng.gauss(0.06, 0.04), 0.0) for _ in range(5000)]
    _observe(estimator, delays)
    late = sum(delay - min(delays) > estimator.target for delay in delays) / len(delays)
    assert late < 0.01
    assert estimator.target < 0.2


def test_delays_beyond_the_histogram_count_as_one_second() -> None:
    estimator = DelayEstimator(48_000)
    _observe(estimator, [1.9 if n % 2 == 0 else 0.0 for n in range(100)])
    assert estimator.target == pytest.approx(1.0)


@pytest.mark.parametrize("drift", [5e-4, -5e-4])
def test_shortest_transit_follows_a_drifting_clock(drift: float) -> None:
    estimator = DelayEstimator(48_000)
    for number in range(5000):
        now = 0.02 * number * (1 + drift)
        estimator.observe(960 * number, now)
        assert -1e-9 <= estimator.delay(960 * number, now) <= abs(drift) * BASE_WINDOW + 1e-9


def test_delay_is_measured_from_the_fastest_packet() -> None:
    estimator = DelayEstimator(48_000)
    assert estimator.delay(0, 5.0) == 0.0
    _observe(estimator, [0.05, 0.03, 0.04])
    assert estimator.delay(960 * 3, 0.06 + 0.08) == pytest.approx(0.05)
    estimator.forget_transit()
    assert estimator.delay(960 * 3, 99.0) == 0.0
