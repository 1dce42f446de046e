"""Delivery queue of one URL: ordered, bounded, with retries and exponential backoff. No I/O, no clock."""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import webhook
from livekit.server import limits

from .settings import WebhookSettings

logger = logging.getLogger(__name__)

MAX_RETRY_AFTER = 30.0
"""Longest delay in seconds that a receiver can ask for by Retry-After: later events wait too."""


@dataclass(frozen=True, slots=True)
class DeliveryStats:
    """Statistics of one URL."""

    delivered: int
    failed: int
    """Failed attempts."""
    dropped: int
    waiting: int


@dataclass(slots=True)
class _Pending:
    event: webhook.WebhookEvent
    size: int
    since: float
    attempts: int = 0


class DeliveryQueue:
    """Schedules the events of one URL.

    Only the oldest event is in flight at any time, so the receiver gets events in order.
    """

    def __init__(
        self, name: str, settings: WebhookSettings, *, random_factor: Callable[[], float] = random.random
    ) -> None:
        """Create an empty queue.

        Args:
            name: the URL in log messages.
            settings: the delivery settings.
            random_factor: returns numbers from 0 to 1 for the jitter.
        """
        self._name = name
        self._settings = settings
        self._random_factor = random_factor
        self._pending: deque[_Pending] = deque()
        self._size = 0
        self._next_attempt_at = 0.0
        self._delivered = self._failed = self._dropped = 0
        self._unreported_drops = 0
        """Dropped events not yet reported to the receiver as `num_dropped`."""

    @property
    def stats(self) -> DeliveryStats:
        return DeliveryStats(self._delivered, self._failed, self._dropped, len(self._pending))

    @property
    def wake_at(self) -> float | None:
        """Time at which to call `due` next; None if the queue is empty."""
        return self._next_attempt_at if self._pending else None

    def add(self, event: webhook.WebhookEvent, now: float) -> None:
        """Queue an event, or drop it if the queue is full."""
        size = event.ByteSize()
        if len(self._pending) >= limits.MAX_WEBHOOKS or self._size + size > limits.MAX_WEBHOOK_BYTES:
            self._drop(event, "the queue is full")
            return
        self._pending.append(_Pending(event, size, now))
        self._size += size

    def due(self, now: float) -> webhook.WebhookEvent | None:
        """Return the event to send now. It stays in the queue until `delivered`, or until `failed` drops it."""
        while self._pending and now - self._pending[0].since > self._settings.max_age:
            self._drop(self._pop().event, "it has expired")
        if not self._pending or now < self._next_attempt_at:
            return None
        event = self._pending[0].event
        if not self._unreported_drops:
            return event
        marked = webhook.WebhookEvent(num_dropped=self._unreported_drops)
        marked.MergeFrom(event)
        return marked

    def delivered(self, event: webhook.WebhookEvent) -> None:
        """Remove `event`, as returned by `due`: the receiver has accepted it."""
        self._pop()
        self._delivered += 1
        if event.num_dropped:
            logger.warning("webhooks to %s: delivery has resumed, after %d were dropped", self._name, event.num_dropped)
            self._unreported_drops -= event.num_dropped

    def failed(self, reason: str, now: float, *, is_final: bool = False, retry_after: float | None = None) -> None:
        """Schedule a retry of the due event, or drop it if `is_final` or after the last attempt.

        `retry_after`: seconds that the receiver asks to wait; at most `MAX_RETRY_AFTER` are waited.
        """
        self._failed += 1
        oldest = self._pending[0]
        oldest.attempts += 1
        if is_final or oldest.attempts >= self._settings.attempts:
            self._next_attempt_at = now
            self._drop(self._pop().event, f"{reason} (attempt {oldest.attempts})")
            return
        settings = self._settings
        backoff = min(settings.first_delay * 2 ** (oldest.attempts - 1), settings.longest_delay)
        delay = max(backoff * (0.5 + self._random_factor() / 2), min(retry_after or 0.0, MAX_RETRY_AFTER))
        self._next_attempt_at = now + delay
        logger.info("webhook %s to %s: %s; retry in %.1f s", oldest.event.event, self._name, reason, delay)

    def skip_backoff(self, now: float) -> None:
        """Retry immediately: the server is stopping."""
        self._next_attempt_at = min(self._next_attempt_at, now)

    def drop_all(self) -> None:
        """Drop all queued events."""
        while self._pending:
            self._drop(self._pop().event, "the server stopped")

    def _pop(self) -> _Pending:
        oldest = self._pending.popleft()
        self._size -= oldest.size
        return oldest

    def _drop(self, event: webhook.WebhookEvent, reason: str) -> None:
        level = logging.DEBUG if self._unreported_drops else logging.WARNING
        logger.log(level, "webhook %s to %s dropped: %s", event.event, self._name, reason)
        self._dropped += 1
        self._unreported_drops += 1
