"""The rate of media that one publisher may send."""

from __future__ import annotations

from livekit.server import limits

__all__ = ["PublisherLimit"]


class PublisherLimit:
    """Admits the RTP packets of one publisher up to a packet rate and a bitrate."""

    def __init__(
        self,
        *,
        packets_per_second: float = limits.MAX_MEDIA_PACKETS_PER_SECOND,
        bitrate: float = limits.MAX_MEDIA_BITRATE,
    ) -> None:
        self._packets_per_second = packets_per_second
        self._bytes_per_second = bitrate / 8
        self._packets = self._packets_per_second  # what two token buckets hold at `_at`, of at most one second's worth
        self._bytes = self._bytes_per_second
        self._at = 0.0
        self.dropped = 0
        """Packets over the limit."""

    def admits(self, size: int, now: float) -> bool:
        """Return False for a packet of `size` bytes that must be dropped."""
        elapsed = now - self._at
        self._at = now
        packets = self._packets + elapsed * self._packets_per_second
        if packets > self._packets_per_second:
            packets = self._packets_per_second
        level = self._bytes + elapsed * self._bytes_per_second
        if level > self._bytes_per_second:
            level = self._bytes_per_second
        is_admitted = packets >= 1 and level >= size
        if is_admitted:
            packets -= 1
            level -= size
        else:
            self.dropped += 1
        self._packets, self._bytes = packets, level
        return is_admitted
