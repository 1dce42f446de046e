from __future__ import annotations

from livekit.server.media.rates import RateMeter


def test_rate_covers_the_last_second_or_more() -> None:
    meter = RateMeter(10.0)
    assert meter.rate(500, 10.5) == 0
    assert meter.rate(1000, 11.0) == 1000
    assert meter.rate(5000, 11.9) == 1000
    assert meter.rate(5000, 13.0) == 2000
    assert meter.rate(5000, 14.0) == 0
