from __future__ import annotations

import pytest

from livekit.server.rate_limit import RateLimit, TokenBucket


def test_burst_then_rate() -> None:
    pace, now = RateLimit(10), 100.0
    assert [pace.delay(1, now) for _ in range(10)] == [0.0] * 10
    for _ in range(30):
        now += pace.delay(1, now)
    assert now == pytest.approx(103.0)


def test_large_amount_delays_and_idle_time_refills() -> None:
    pace = RateLimit(10)
    assert pace.delay(50, 0.0) == pytest.approx(4.0)
    assert pace.delay(0, 4.0) == 0.0
    assert pace.delay(10, 1000.0) == 0.0


def test_bucket_refuses_what_exceeds_the_rate() -> None:
    bucket = TokenBucket(10.0)
    assert [bucket.take(4, 100.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(2, 100.0)
    assert not bucket.take(3, 100.2)
    assert bucket.take(2, 100.2)
    assert not bucket.take(11, 500.0)
    assert bucket.take(10, 500.0)
