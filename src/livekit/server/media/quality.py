"""Connection quality of one stream.

The score is that of livekit-server 1.13.5 with its defaults, which rate loss only; delay and bitrate do not count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from livekit.protocol import models

__all__ = ["BEST", "UPDATE_INTERVAL", "QualityEstimator", "QualityWindow", "Rating", "loss_weight", "worst"]

UPDATE_INTERVAL: Final = 5.0
"""Seconds per window."""
MAX_SCORE: Final = 100.0
MIN_SCORE: Final = 30.0
"""A floor, from which a connection recovers in reasonable time."""
GOOD, POOR, LOST = 80.0, 40.0, 20.0
"""The highest scores of these qualities."""
RISE: Final = 0.4
"""Weight of a window that is better than the score so far."""
FALL: Final = 0.8
MIN_UNMUTED: Final = 0.5
"""Share of a window for which the stream must have been unmuted."""
RATE_STEP: Final = 2.0
"""Packets per second between two rates that are told apart."""
MIN_WINDOWS: Final = 10
"""Windows after which the usual packet rate is known."""
MAX_RATES: Final = 250
OPUS_WEIGHT, RED_WEIGHT, VIDEO_WEIGHT = 8.0, 4.0, 10.0
"""Score per percent of loss."""
FEC_GAIN: Final = 1.5


class Rating(NamedTuple):
    """The quality of a connection as clients see it."""

    quality: models.ConnectionQuality
    score: float
    """Mean opinion score, 1 to 4.5."""


BEST: Final = Rating(models.ConnectionQuality.EXCELLENT, 4.5)


class QualityWindow(NamedTuple):
    """What happened to a stream since the window before."""

    packets: int
    """Packets expected, lost ones included."""
    lost: int
    """Packets lost on the rated link only."""
    is_silent_source: bool = False
    """The peer's reports have stopped too, for longer than a window."""


def loss_weight(codec: str, *, fec: bool = False) -> float:
    """Return the score that one percent of loss costs for a codec, by its encoding name.

    `fec` says that Opus repairs losses itself (useinbandfec=1).
    """
    weight = {"opus": OPUS_WEIGHT, "red": RED_WEIGHT}.get(codec.lower(), VIDEO_WEIGHT)
    return weight / FEC_GAIN if fec else weight


class QualityEstimator:
    """Rates one stream on one link, from the publisher or to a subscriber."""

    def __init__(self, weight: float, now: float) -> None:
        """`weight` is what `loss_weight` returns for the codec."""
        self.weight = weight
        self._score = MAX_SCORE
        self._updated = now
        self._muted = False
        self._unmuted_at = now
        self._rates: Counter[int] = Counter()

    def set_muted(self, muted: bool, now: float) -> None:
        """Rate nothing while the stream is muted, and call it excellent unless it was lost."""
        if muted == self._muted:
            return
        self._muted = muted
        if not muted:
            self._unmuted_at = now
        elif self._score != LOST:
            self._score = MAX_SCORE

    def update(self, window: QualityWindow, now: float) -> None:
        """Rate a window; call it each `UPDATE_INTERVAL`."""
        elapsed = now - self._updated
        self._updated = now
        if elapsed <= 0 or self._muted or now - self._unmuted_at <= MIN_UNMUTED * elapsed:
            return
        if not window.packets:
            self._score = LOST if window.is_silent_source else POOR
            return
        loss = 100 * max(window.lost, 0) / window.packets
        score = max(MAX_SCORE - loss * self._weight(window.packets / elapsed), 0.0)
        factor = FALL if score < self._score else RISE
        self._score = max(factor * score + (1 - factor) * self._score, MIN_SCORE)

    def _weight(self, rate: float) -> float:
        """Return a lower weight at less than the usual packet rate: losses in silence (DTX) are not heard."""
        self._rates[min(round(rate / RATE_STEP), MAX_RATES)] += 1
        if self._rates.total() <= MIN_WINDOWS:
            return self.weight
        usual = self._rates.most_common(1)[0][0] * RATE_STEP
        return self.weight * math.sqrt(min(rate / usual, 1.0)) if usual else self.weight

    @property
    def rating(self) -> Rating:
        """The quality now."""
        return Rating(_quality(self._score), _opinion_score(self._score))


def worst(ratings: Iterable[Rating]) -> Rating:
    """Return the worst rating: that of a participant is the worst of its streams in both directions."""
    return min(ratings, key=lambda rating: rating.score, default=BEST)


def _quality(score: float) -> models.ConnectionQuality:
    if score > GOOD:
        return models.ConnectionQuality.EXCELLENT
    if score > POOR:
        return models.ConnectionQuality.GOOD
    return models.ConnectionQuality.POOR if score > LOST else models.ConnectionQuality.LOST


def _opinion_score(score: float) -> float:
    """Convert an R factor (ITU-T G.107 annex B)."""
    if score <= 0:
        return 1.0
    return 4.5 if score >= MAX_SCORE else 1 + 0.035 * score + 7e-6 * score * (score - 60) * (100 - score)
