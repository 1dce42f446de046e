"""Delivery of webhooks in background tasks; rooms never wait for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from livekit._util.aio import loop_time
from livekit._version import __version__
from livekit.protocol import webhook
from livekit.server.events import RoomEvent
from livekit.server.room_manager import random_sid
from livekit.server.tasks import OwnedTasks

from .events import CONTENT_TYPE, to_body, to_webhook
from .queue import DeliveryQueue, DeliveryStats
from .settings import WebhookSettings

_TRANSIENT_STATUSES = frozenset({408, 425, 429})
"""Statuses below 500 that are worth a retry."""


class WebhookSender:
    """Sends room events to all URLs, with one queue and one task per URL. Pass `observe` to the rooms."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        sign: Callable[[bytes], str],
        epoch: float,
    ) -> None:
        """Create a sender; `sign` returns the token for a body, `epoch` is the Unix time at loop time 0."""
        self._settings = settings
        self._sign = sign
        self._epoch = epoch
        self._queues = {URL(url): DeliveryQueue(_redacted(URL(url)), settings) for url in settings.urls}
        self._changed = {url: asyncio.Event() for url in self._queues}
        self._is_finishing = False

    @property
    def stats(self) -> Mapping[str, DeliveryStats]:
        """Statistics by URL, without credentials and query."""
        return {_redacted(url): queue.stats for url, queue in self._queues.items()}

    def start(self, tasks: OwnedTasks) -> None:
        """Start sending. The tasks end after `finish`, once all events are delivered or dropped."""
        for url in self._queues:
            tasks.run(self._serve(url), name=f"webhooks to {_redacted(url)}")

    def observe(self, event: RoomEvent) -> None:
        """Queue an event for every URL."""
        if not self._queues:
            return
        now = loop_time()
        webhook_event = to_webhook(event, event_id=random_sid("EV_"), wall_time=self._epoch + now)
        for url, queue in self._queues.items():
            queue.add(webhook_event, now)
            self._changed[url].set()

    def finish(self) -> None:
        """Deliver the queued events without backoff; no more events will follow."""
        self._is_finishing = True
        for url, queue in self._queues.items():
            queue.skip_backoff(loop_time())
            self._changed[url].set()

    async def _serve(self, url: URL) -> None:
        queue, changed = self._queues[url], self._changed[url]
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
        try:
            async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
                while not (self._is_finishing and queue.wake_at is None):
                    event = queue.due(loop_time())
                    if event is not None:
                        await self._attempt(session, url, queue, event)
                        continue
                    changed.clear()
                    await _wait(changed, queue.wake_at)
        finally:
            queue.drop_all()

    async def _attempt(
        self, session: aiohttp.ClientSession, url: URL, queue: DeliveryQueue, event: webhook.WebhookEvent
    ) -> None:
        body = to_body(event)
        headers = {
            "Authorization": self._sign(body),
            "Content-Type": CONTENT_TYPE,
            "User-Agent": f"livekit-pure/{__version__}",
        }
        try:
            # A redirect would drop the body, or send it to a host that the user has not configured.
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                status = response.status
        except asyncio.TimeoutError:
            queue.failed(f"no response within {self._settings.timeout:g} s", loop_time())
        except (aiohttp.ClientError, OSError) as error:
            queue.failed(str(error) or type(error).__name__, loop_time())
        else:
            if 200 <= status < 300:
                queue.delivered(event)
            else:
                queue.failed(f"status {status}", loop_time(), is_final=_is_final(status))


def _is_final(status: int) -> bool:
    return status < 500 and status not in _TRANSIENT_STATUSES


async def _wait(changed: asyncio.Event, until: float | None) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(changed.wait(), None if until is None else max(until - loop_time(), 0.0))


def _redacted(url: URL) -> str:
    """Return a URL without credentials, query and fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None))
