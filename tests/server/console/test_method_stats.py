"""Statistics of methods."""

from __future__ import annotations

from livekit.server.console.call_tracker import CallTracker
from livekit.server.console.method_stats import MAX_DURATIONS, MAX_METHODS, MethodStats, MethodSummary, percentile
from livekit.server.console.snapshot import methods_json
from livekit.server.console.tracked_call import RESPONSE_GRACE
from tests.server.console.packets import ROOM, failure, feed, request, response


def test_percentiles_are_values_that_occurred() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert (percentile(hundred, 0.5), percentile(hundred, 0.95), percentile(hundred, 1.0)) == (50.0, 95.0, 100.0)
    assert (percentile([7.0], 0.5), percentile([7.0], 0.95), percentile([], 0.5)) == (7.0, 7.0, None)


def test_durations_and_failures_by_method() -> None:
    tracker = CallTracker()
    feed(tracker, ("alice", request()), ("bob", response()))
    feed(tracker, ("alice", request()), ("bob", failure()))
    feed(tracker, ("alice", request(method="slow", ms=500)))
    tracker.tick(1.0 + RESPONSE_GRACE)
    assert tracker.methods.summaries() == [
        MethodSummary(ROOM, "add", calls=2, failed=1, p50=1.0, p95=1.0),
        MethodSummary(ROOM, "slow", calls=1, failed=1, p50=None, p95=None),
    ]
    assert methods_json(tracker.methods.summaries())[0]["p50"] == 1000.0


def test_newest_durations_count() -> None:
    stats = MethodStats()
    for duration in (*[9.0] * MAX_DURATIONS, *[1.0] * MAX_DURATIONS):
        stats.add(ROOM, "add", duration, failed=False)
    (summary,) = stats.summaries()
    assert (summary.calls, summary.p50, summary.p95) == (2 * MAX_DURATIONS, 1.0, 1.0)


def test_least_recently_called_method_is_dropped() -> None:
    stats = MethodStats()
    for number in range(MAX_METHODS):
        stats.add(ROOM, str(number), 1.0, failed=False)
    stats.add(ROOM, "0", 1.0, failed=False)
    stats.add(ROOM, "new", 1.0, failed=False)
    names = {summary.method for summary in stats.summaries()}
    assert len(names) == MAX_METHODS
    assert {"0", "new"} <= names
    assert "1" not in names
