"""The rate of media that one publisher may send."""

from __future__ import annotations

from livekit.server.limits import MAX_MEDIA_BITRATE, MAX_MEDIA_PACKETS_PER_SECOND
from livekit.server.rate_limit import TokenBucket

__all__ = ["PublisherLimit"]


class PublisherLimit:
    """Admits the RTP packets of one publisher up to a packet rate and a bitrate."""

    def __init__(
        self, *, packets_per_second: float = MAX_MEDIA_PACKETS_PER_SECOND, bitrate: float = MAX_MEDIA_BITRATE
    ) -> None:
        self._packets = TokenBucket(packets_per_second)
        self._bytes = TokenBucket(bitrate / 8)
        self.dropped = 0
        """Packets over the limit."""

    def admits(self, size: int, now: float) -> bool:
        """Return False for a packet of `size` bytes that must be dropped."""
        if self._packets.take(1, now) and self._bytes.take(size, now):
            return True
        self.dropped += 1
        return False
