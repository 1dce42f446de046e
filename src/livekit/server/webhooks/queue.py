"""The events on their way to one URL: in order, repeated when they fail, bounded. No I/O, no clock."""

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


@dataclass(frozen=True, slots=True)
class DeliveryStats:
    """What became of the events for one URL."""

    delivered: int
    failed: int
    """Attempts that failed."""
    dropped: int
    waiting: int


@dataclass(slots=True)
class _Waiting:
    event: webhook.WebhookEvent
    size: int
    since: float
    attempts: int = 0


class DeliveryQueue:
    """Says what to send to one URL and when; is told what came of it.

    Only the oldest event is ever on its way, so that the receiver sees them in order.
    """

    def __init__(
        self, name: str, settings: WebhookSettings, *, random_factor: Callable[[], float] = random.random
    ) -> None:
        """`name` is what logs call the URL. `random_factor` is from 0 to 1, for the jitter."""
        self._name = name
        self._settings = settings
        self._random_factor = random_factor
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._not_before = 0.0
        self._delivered = self._failed = self._dropped = 0
        self._dropped_untold = 0
        """Dropped since the receiver was told last."""

    @property
    def stats(self) -> DeliveryStats:
        return DeliveryStats(self._delivered, self._failed, self._dropped, len(self._waiting))

    @property
    def wake_at(self) -> float | None:
        """When `due` has something; None: not before another `add`."""
        return self._not_before if self._waiting else None

    def add(self, event: webhook.WebhookEvent, now: float) -> None:
        """Queue an event; it is dropped if too much waits already."""
        size = event.ByteSize()
        if len(self._waiting) >= limits.MAX_WEBHOOKS or self._size + size > limits.MAX_WEBHOOK_BYTES:
            self._drop(event, "too many wait")
            return
        self._waiting.append(_Waiting(event, size, now))
        self._size += size

    def due(self, now: float) -> webhook.WebhookEvent | None:
        """The event to send now. It stays the oldest until `sent`, or `failed` for good, says otherwise."""
        while self._waiting and now - self._waiting[0].since > self._settings.max_age:
            self._drop(self._take().event, "it waited too long")
        if not self._waiting or now < self._not_before:
            return None
        event = self._waiting[0].event
        if not self._dropped_untold:
            return event
        marked = webhook.WebhookEvent(num_dropped=self._dropped_untold)
        marked.MergeFrom(event)
        return marked

    def sent(self, event: webhook.WebhookEvent) -> None:
        """The receiver has `event`, which came from `due`."""
        self._take()
        self._delivered += 1
        if event.num_dropped:
            logger.warning("webhooks to %s: delivered again, after %d were dropped", self._name, event.num_dropped)
            self._dropped_untold -= event.num_dropped

    def failed(self, why: str, now: float, *, is_final: bool = False) -> None:
        """The event that was due did not arrive; try again later, unless `is_final` or tried often enough."""
        self._failed += 1
        oldest = self._waiting[0]
        oldest.attempts += 1
        if is_final or oldest.attempts >= self._settings.attempts:
            self._not_before = now
            self._drop(self._take().event, f"{why} (attempt {oldest.attempts})")
            return
        settings = self._settings
        longest = min(settings.first_delay * 2 ** (oldest.attempts - 1), settings.longest_delay)
        delay = longest * (0.5 + self._random_factor() / 2)
        self._not_before = now + delay
        logger.info("webhook %s to %s: %s; again in %.1f s", oldest.event.event, self._name, why, delay)

    def hurry(self, now: float) -> None:
        """The server stops: what waits to be repeated is repeated at once."""
        self._not_before = min(self._not_before, now)

    def give_up(self) -> None:
        """Drop what waits."""
        while self._waiting:
            self._drop(self._take().event, "the server stopped")

    def _take(self) -> _Waiting:
        oldest = self._waiting.popleft()
        self._size -= oldest.size
        return oldest

    def _drop(self, event: webhook.WebhookEvent, why: str) -> None:
        level = logging.DEBUG if self._dropped_untold else logging.WARNING
        logger.log(level, "webhook %s to %s dropped: %s", event.event, self._name, why)
        self._dropped += 1
        self._dropped_untold += 1
