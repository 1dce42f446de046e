from __future__ import annotations

from livekit.server.console.throughput import RATE_SECONDS, Throughput


def test_rate_covers_the_last_whole_seconds() -> None:
    meter = Throughput()
    meter.add(300, 10.2)
    assert meter.rate(10.9) == 0
    assert meter.rate(11.0) == 100
    meter.add(600, 11.5)
    assert meter.rate(12.0) == 300
    assert meter.rate(11.0 + RATE_SECONDS) == 200
    assert meter.rate(12.0 + RATE_SECONDS) == 0
    assert (meter.size, meter.packets) == (900, 2)


def test_series_has_one_total_per_second() -> None:
    meter = Throughput(4)
    for now, size in ((0.0, 1), (1.0, 2), (1.5, 3), (3.0, 4)):
        meter.add(size, now)
    assert meter.series(4.0) == [1, 5, 0, 4]
    assert meter.series(6.9) == [0, 4, 0, 0]
    assert meter.series(1000.0) == [0, 0, 0, 0]
