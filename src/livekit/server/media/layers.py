"""The choice between several streams of one track: layers of simulcast, or a source that was replaced by another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .published_stream import PublishedStream

__all__ = ["HIGH", "LOW", "MEDIUM", "STALE_AFTER", "choose_stream", "layer_rank"]

LOW, MEDIUM, HIGH = 0, 1, 2
"""Qualities, as `livekit.VideoQuality` numbers them."""
STALE_AFTER: Final = 1.5
"""Seconds without a packet after which a layer is taken for stopped."""
_RANKS: Final = {"q": LOW, "h": MEDIUM, "f": HIGH}


def layer_rank(rid: str) -> int:
    """Return the quality of a layer by the rid that LiveKit's clients give it; LOW for any other."""
    return _RANKS.get(rid, LOW)


def choose_stream(
    streams: Iterable[PublishedStream], current: PublishedStream | None, quality: int, now: float
) -> PublishedStream | None:
    """Return the stream to forward; None without any.

    Of the streams that send, it is the best layer up to `quality`, else the lowest one; `current` if it is as good.
    """
    known = list(streams)
    live = [stream for stream in known if _is_live(stream, now)] or known
    if not live:
        return None
    wanted = [stream for stream in live if layer_rank(stream.rid) <= quality]
    if wanted:
        rank = max(layer_rank(stream.rid) for stream in wanted)
    else:
        rank = min(layer_rank(stream.rid) for stream in live)
    best = [stream for stream in live if layer_rank(stream.rid) == rank]
    return current if current in best else best[-1]


def _is_live(stream: PublishedStream, now: float) -> bool:
    return stream.last_packet_at is not None and now - stream.last_packet_at < STALE_AFTER
