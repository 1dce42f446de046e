"""Delivery of webhooks in background tasks; rooms never wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from livekit._http.failures import classify_exception
from livekit._http.retry_after import parse_retry_after
from livekit._http.session import Route, open_session
from livekit._http.urls import redacted
from livekit._util.aio import finish, loop_time
from livekit._version import __version__
from livekit.protocol import webhook
from livekit.server.events import RoomEvent
from livekit.server.room_manager import random_sid
from livekit.server.tasks import OwnedTasks

from .events import CONTENT_TYPE, to_body, to_webhook
from .queue import DeliveryQueue, DeliveryStats
from .settings import WebhookSettings, webhook_url

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
        urls = [webhook_url(url) for url in settings.urls]
        self._queues = {url: DeliveryQueue(redacted(url), settings) for url in urls}
        self._routes: dict[URL, Route] = {}
        self._changed = {url: asyncio.Event() for url in self._queues}
        self._is_finishing = False

    @property
    def stats(self) -> Mapping[str, DeliveryStats]:
        """Statistics by URL, without credentials and query."""
        return {redacted(url): queue.stats for url, queue in self._queues.items()}

    def start(self, tasks: OwnedTasks) -> None:
        """Start sending. The tasks end after `finish`, once all events are delivered or dropped."""
        for url in self._queues:
            tasks.run(self._serve(url), name=f"webhooks to {redacted(url)}")

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
        try:
            while not (self._is_finishing and queue.wake_at is None):
                event = queue.due(loop_time())
                if event is not None:
                    await self._attempt(url, queue, event)
                    continue
                changed.clear()
                await _wait(changed, queue.wake_at)
        finally:
            queue.drop_all()
            if url in self._routes:
                await finish(self._routes.pop(url).session.close())

    async def _attempt(self, url: URL, queue: DeliveryQueue, event: webhook.WebhookEvent) -> None:
        try:
            status, retry_after = await self._post(url, event)
        except asyncio.TimeoutError:
            queue.failed(f"no response within {self._settings.timeout:g} s", loop_time())
        except Exception as error:  # whatever it is, later events may succeed
            proxy = self._routes[url].proxy if url in self._routes else None
            queue.failed(classify_exception(error, url, proxy).message, loop_time())
        else:
            if 200 <= status < 300:
                queue.delivered(event)
            else:
                queue.failed(f"status {status}", loop_time(), is_final=_is_final(status), retry_after=retry_after)

    async def _post(self, url: URL, event: webhook.WebhookEvent) -> tuple[int, float | None]:
        """Return the status of the response and the seconds that it asks to wait."""
        body = to_body(event)
        headers = {
            "Authorization": self._sign(body),
            "Content-Type": CONTENT_TYPE,
            "User-Agent": f"livekit-pure/{__version__}",
        }
        # A redirect would drop the body, or send it to a host that the user has not configured.
        async with self._session(url).post(url, data=body, headers=headers, allow_redirects=False) as response:
            now = datetime.datetime.now(datetime.timezone.utc)
            return response.status, parse_retry_after(response.headers.get("Retry-After"), now)

    def _session(self, url: URL) -> aiohttp.ClientSession:
        """Return the session of a URL. Raises ProxyError."""
        if url not in self._routes:
            timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
            self._routes[url] = open_session(url, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._routes[url].session


def _is_final(status: int) -> bool:
    return status < 500 and status not in _TRANSIENT_STATUSES


async def _wait(changed: asyncio.Event, until: float | None) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(changed.wait(), None if until is None else max(until - loop_time(), 0.0))
