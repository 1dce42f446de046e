from __future__ import annotations

from livekit.server import limits
from livekit.server.media.publisher_limit import PublisherLimit


def test_packet_rate_is_limited_after_a_burst() -> None:
    limit = PublisherLimit()
    admitted = sum(limit.admits(100, 5.0) for _ in range(2 * limits.MAX_MEDIA_PACKETS_PER_SECOND))
    assert admitted == limit.dropped == limits.MAX_MEDIA_PACKETS_PER_SECOND
    assert sum(limit.admits(100, 5.5) for _ in range(10_000)) == limits.MAX_MEDIA_PACKETS_PER_SECOND / 2


def test_bitrate_is_limited_after_a_burst() -> None:
    limit = PublisherLimit(packets_per_second=1e6)
    assert sum(limit.admits(1250, 5.0) for _ in range(10_000)) == limits.MAX_MEDIA_BITRATE / 8 / 1250


def test_high_definition_video_is_within_the_limit() -> None:
    limit = PublisherLimit()
    assert all(limit.admits(1200, packet / 1000) for packet in range(10_000))
