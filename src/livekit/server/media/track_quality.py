"""Quality of a published track and of a subscription to one, rated each `quality.UPDATE_INTERVAL`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from livekit.webrtc.media_interfaces import Codec

from .forwarder import Forwarder
from .published_stream import PublishedStream
from .quality import BEST, QualityEstimator, QualityWindow, Rating, loss_weight
from .quality_windows import ForwardedWindows, PublishedWindows

__all__ = ["ForwardedQuality", "PublishedQuality"]


class PublishedQuality:
    """Rates the link from the publisher by all streams of one track together."""

    def __init__(self) -> None:
        self._estimator: QualityEstimator | None = None
        self._windows: dict[PublishedStream, PublishedWindows] = {}

    def rate(self, streams: Iterable[PublishedStream], *, muted: bool, now: float) -> Rating:
        """Rate the time since the call before, and return the rating; the best one before the first packet."""
        known, self._windows = self._windows, {}
        total: QualityWindow | None = None
        codecs: Sequence[Codec] = ()
        for stream in streams:
            windows = self._windows[stream] = known.get(stream) or PublishedWindows(stream)
            window = windows.next(now)
            codecs = stream.codecs
            if window is not None:
                total = window if total is None else _sum(total, window)
        if not codecs:
            return BEST if self._estimator is None else self._estimator.rating
        if self._estimator is None:
            self._estimator = QualityEstimator(_weight(codecs), now)
        self._estimator.weight = _weight(codecs)
        self._estimator.set_muted(muted, now)
        if total is not None:
            self._estimator.update(total, now)
        return self._estimator.rating


class ForwardedQuality:
    """Rates the link to a subscriber by one outgoing stream."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder
        self._estimator: QualityEstimator | None = None
        self._windows: ForwardedWindows | None = None

    def rate(self, now: float) -> Rating:
        """Rate the time since the call before, and return the rating; the best one before the first report."""
        forwarder = self._forwarder
        if self._estimator is None or self._windows is None:
            self._estimator = QualityEstimator(_weight(forwarder.codecs), now)
            self._windows = ForwardedWindows(forwarder, now)
            return BEST
        self._estimator.weight = _weight(forwarder.codecs)
        self._estimator.set_muted(forwarder.paused, now)
        window = self._windows.next(now)
        if window is not None:
            self._estimator.update(window, now)
        return self._estimator.rating


def _sum(first: QualityWindow, second: QualityWindow) -> QualityWindow:
    return QualityWindow(
        first.packets + second.packets,
        first.lost + second.lost,
        is_silent_source=first.is_silent_source and second.is_silent_source,
    )


def _weight(codecs: Sequence[Codec]) -> float:
    """Return the cost of loss under the preferred codec; as on the real server, RED always counts as with FEC."""
    if not codecs:
        return 0.0
    codec = codecs[0]
    return loss_weight(codec.name, fec=codec.name.lower() == "red" or "useinbandfec=1" in codec.parameters)
