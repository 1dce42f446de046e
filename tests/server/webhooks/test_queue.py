"""The delivery queue on a simulated clock: order, retries and limits."""

from __future__ import annotations

import logging
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models, webhook
from livekit.server import limits
from livekit.server.webhooks import WebhookSettings
from livekit.server.webhooks.queue import MAX_RETRY_AFTER, DeliveryQueue, DeliveryStats

SETTINGS = WebhookSettings(["http://127.0.0.1:1/"], attempts=3, first_delay=1.0, longest_delay=1.5, max_age=100.0)


def make_queue(settings: WebhookSettings = SETTINGS) -> DeliveryQueue:
    return DeliveryQueue("the receiver", settings, random_factor=lambda: 1.0)


def event(name: str) -> webhook.WebhookEvent:
    return webhook.WebhookEvent(event=name)


def due(queue: DeliveryQueue, now: float) -> str:
    found = queue.due(now)
    return found.event if found is not None else ""


def test_events_are_sent_in_order() -> None:
    queue = make_queue()
    for name in "abc":
        queue.add(event(name), 5.0)
    for name in "abc":
        assert queue.wake_at is not None
        assert queue.wake_at <= 5.0
        found = queue.due(5.0)
        assert found is not None
        assert found.event == name
        queue.delivered(found)
    assert due(queue, 5.0) == ""
    assert queue.wake_at is None
    assert queue.stats == DeliveryStats(delivered=3, failed=0, dropped=0, waiting=0)


def test_failures_back_off_and_block_later_events() -> None:
    queue = make_queue()
    queue.add(event("a"), 0.0)
    queue.add(event("b"), 0.0)
    queue.failed("it failed", 0.0)
    assert queue.wake_at == 1.0
    assert due(queue, 0.9) == ""
    assert due(queue, 1.0) == "a"
    queue.failed("it failed", 1.0)
    assert queue.wake_at == 2.5, "twice as long is longer than the longest"
    assert due(queue, 2.5) == "a"
    queue.failed("it failed", 2.5)
    assert due(queue, 2.5) == "b", "three attempts are enough"
    assert queue.stats == DeliveryStats(delivered=0, failed=3, dropped=1, waiting=1)


def test_jitter_halves_the_backoff_at_most() -> None:
    queue = DeliveryQueue("", SETTINGS, random_factor=lambda: 0.0)
    queue.add(event("a"), 0.0)
    queue.failed("it failed", 0.0)
    assert queue.wake_at == 0.5


def test_dropped_events_are_reported_to_the_receiver(caplog: pytest.LogCaptureFixture) -> None:
    queue = make_queue()
    for name in ("a", "b", "c", "d"):
        queue.add(event(name), 0.0)
    queue.failed("status 400", 0.0, is_final=True)
    queue.failed("status 400", 0.0, is_final=True)
    found = queue.due(0.0)
    assert found is not None
    assert (found.event, found.num_dropped) == ("c", 2)
    queue.delivered(found)
    following = queue.due(0.0)
    assert following is not None
    assert following.num_dropped == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 2, "one for the first drop, one for the next delivery"
    assert "webhook a to the receiver dropped: status 400 (attempt 1)" in warnings[0]
    assert "after 2 were dropped" in warnings[1]


def test_expired_events_are_dropped() -> None:
    queue = make_queue()
    queue.add(event("a"), 0.0)
    queue.add(event("b"), 50.0)
    assert due(queue, 100.0) == "a"
    assert due(queue, 100.1) == "b"
    assert queue.stats.dropped == 1


def test_queue_length_limit() -> None:
    queue = make_queue()
    for number in range(limits.MAX_WEBHOOKS + 3):
        queue.add(event(str(number)), 0.0)
    assert queue.stats == DeliveryStats(delivered=0, failed=0, dropped=3, waiting=limits.MAX_WEBHOOKS)
    assert due(queue, 0.0) == "0", "the newest are dropped"


def test_queue_size_limit() -> None:
    queue = make_queue()
    large = webhook.WebhookEvent(room=models.Room(metadata="m" * (limits.MAX_WEBHOOK_BYTES // 4)))
    for _ in range(5):
        queue.add(large, 0.0)
    assert queue.stats.waiting == 3
    queue.delivered(large)
    queue.add(large, 0.0)
    assert queue.stats.waiting == 3, "there is room again"


def test_stopping_skips_backoff_and_drops_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    queue = make_queue()
    queue.add(event("a"), 0.0)
    queue.add(event("b"), 0.0)
    queue.failed("it failed", 0.0)
    queue.skip_backoff(0.25)
    assert due(queue, 0.25) == "a"
    queue.drop_all()
    assert queue.wake_at is None
    assert queue.stats == DeliveryStats(delivered=0, failed=1, dropped=2, waiting=0)
    assert "the server stopped" in caplog.text


@given(st.lists(st.sampled_from(["add", "succeed", "fail", "refuse", "wait"]), max_size=60))
def test_order_and_statistics(steps: list[str]) -> None:
    queue, now, added = make_queue(), 0.0, 0
    arrived: list[int] = []
    for step in steps:
        now += 0.3
        if step == "add":
            queue.add(event(str(added)), now)
            added += 1
        elif step == "wait":
            now += 40.0
        elif (found := queue.due(now)) is not None:
            if step == "succeed":
                arrived.append(int(found.event))
                queue.delivered(found)
            else:
                queue.failed("it failed", now, is_final=step == "refuse")
    assert arrived == sorted(set(arrived))
    stats = queue.stats
    assert stats.delivered == len(arrived)
    assert stats.delivered + stats.dropped + stats.waiting == added


@pytest.mark.parametrize(
    ("asked", "waited"), [(20.0, 20.0), (0.1, 1.0), (None, 1.0), (1e9, MAX_RETRY_AFTER), (math.inf, MAX_RETRY_AFTER)]
)
def test_receiver_may_ask_for_a_longer_delay_within_bounds(asked: float | None, waited: float) -> None:
    queue = make_queue()
    queue.add(event("a"), 0.0)
    queue.failed("status 503", 0.0, retry_after=asked)
    assert queue.wake_at == waited
    assert due(queue, waited) == "a"
