from __future__ import annotations

import pytest

from livekit.protocol import models
from livekit.server.media.quality import BEST, QualityEstimator, QualityWindow, Rating, loss_weight, worst

EXCELLENT, GOOD, POOR, LOST = (
    models.ConnectionQuality.EXCELLENT,
    models.ConnectionQuality.GOOD,
    models.ConnectionQuality.POOR,
    models.ConnectionQuality.LOST,
)


def _rated(percent: float, weight: float, *, windows: int = 1) -> QualityEstimator:
    estimator = QualityEstimator(weight, 0.0)
    for window in range(1, windows + 1):
        estimator.update(QualityWindow(1000, round(10 * percent)), 5.0 * window)
    return estimator


@pytest.mark.parametrize(
    ("codec", "fec", "good", "poor"),
    [
        ("opus", False, 2.5, 7.5),
        ("opus", True, 3.75, 11.25),
        ("RED", False, 5, 15),
        ("red", True, 7.5, 22.5),
        ("VP8", False, 2, 6),
    ],
)
def test_quality_falls_at_the_loss_of_the_real_server(codec: str, fec: bool, good: float, poor: float) -> None:
    weight = loss_weight(codec, fec=fec)
    assert _rated(good - 0.2, weight, windows=12).rating.quality == EXCELLENT
    assert _rated(good + 0.2, weight, windows=12).rating.quality == GOOD
    assert _rated(poor - 0.2, weight, windows=12).rating.quality == GOOD
    assert _rated(poor + 0.2, weight, windows=12).rating.quality == POOR


def test_perfect_connection_has_the_best_score() -> None:
    assert QualityEstimator(8, 0.0).rating == _rated(0, 8).rating == BEST


def test_quality_falls_fast_and_recovers_slowly_from_a_floor() -> None:
    estimator = _rated(50, 10)
    qualities = [estimator.rating.quality]
    for window in range(2, 6):
        estimator.update(QualityWindow(1000, 0), 5.0 * window)
        qualities.append(estimator.rating.quality)
    assert qualities == [POOR, GOOD, GOOD, EXCELLENT, EXCELLENT]
    assert 1 < _rated(50, 10).rating.score < 4.5


def test_stream_that_stopped_is_poor_or_lost() -> None:
    estimator = QualityEstimator(8, 0.0)
    estimator.update(QualityWindow(0, 0), 5.0)
    assert estimator.rating.quality == POOR
    estimator.update(QualityWindow(0, 0, is_silent_source=True), 10.0)
    assert estimator.rating.quality == LOST


def test_muted_stream_is_excellent_and_not_rated() -> None:
    estimator = _rated(50, 10)
    estimator.set_muted(True, 6.0)
    assert estimator.rating.quality == EXCELLENT
    estimator.update(QualityWindow(0, 0), 10.0)
    assert estimator.rating.quality == EXCELLENT
    estimator.set_muted(False, 13.0)
    estimator.set_muted(False, 14.9)
    estimator.update(QualityWindow(100, 100), 15.0)
    assert estimator.rating.quality == EXCELLENT  # unmuted for less than half of the window
    estimator.update(QualityWindow(100, 100), 20.0)
    assert estimator.rating.quality == POOR


def test_muting_does_not_make_a_lost_stream_excellent() -> None:
    estimator = QualityEstimator(8, 0.0)
    estimator.update(QualityWindow(0, 0, is_silent_source=True), 5.0)
    estimator.set_muted(True, 6.0)
    assert estimator.rating.quality == LOST


def test_losses_in_silence_weigh_less() -> None:
    estimator = QualityEstimator(loss_weight("opus"), 0.0)
    for window in range(1, 21):
        estimator.update(QualityWindow(250, 0), 5.0 * window)
    estimator.update(QualityWindow(12, 1), 105.0)  # DTX: 8 % of loss at a twentieth of the packets
    assert estimator.rating.quality == EXCELLENT


def test_duplicates_do_not_raise_the_score() -> None:
    estimator = QualityEstimator(8, 0.0)
    estimator.update(QualityWindow(100, -50), 5.0)
    estimator.update(QualityWindow(100, 0), 5.0)
    assert estimator.rating == BEST


def test_worst_of_several_counts() -> None:
    assert worst([]) == BEST
    assert worst([BEST, Rating(POOR, 2.0), Rating(GOOD, 3.0)]) == Rating(POOR, 2.0)
