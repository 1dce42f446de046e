"""Posts what happens in the rooms to whom it is meant for; the rooms never wait for it."""

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

_PASSING = frozenset({408, 425, 429})
"""Statuses below 500 that may be another the next time."""


class WebhookSender:
    """One queue and one task for each URL. Hand `observe` to the rooms."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        sign: Callable[[bytes], str],
        epoch: float,
    ) -> None:
        """`sign` makes the token that proves where a body comes from. `epoch` is the Unix time at loop time 0."""
        self._settings = settings
        self._sign = sign
        self._epoch = epoch
        self._queues = {URL(url): DeliveryQueue(_shown(URL(url)), settings) for url in settings.urls}
        self._changed = {url: asyncio.Event() for url in self._queues}
        self._is_finishing = False

    @property
    def stats(self) -> Mapping[str, DeliveryStats]:
        """By URL, without what may be secret in it."""
        return {_shown(url): queue.stats for url, queue in self._queues.items()}

    def start(self, tasks: OwnedTasks) -> None:
        """Send in tasks of `tasks`. They end by themselves after `finish`, once everything is delivered or dropped."""
        for url in self._queues:
            tasks.run(self._serve(url), name=f"webhooks to {_shown(url)}")

    def observe(self, event: RoomEvent) -> None:
        """Queue what happened for every URL."""
        if not self._queues:
            return
        now = loop_time()
        told = to_webhook(event, event_id=random_sid("EV_"), wall_time=self._epoch + now)
        for url, queue in self._queues.items():
            queue.add(told, now)
            self._changed[url].set()

    def finish(self) -> None:
        """Nothing more will happen: hurry with what waits."""
        self._is_finishing = True
        for url, queue in self._queues.items():
            queue.hurry(loop_time())
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
            queue.give_up()

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
            # A redirect would lose the body, or give it to whom the user did not name.
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                status = response.status
        except asyncio.TimeoutError:
            queue.failed(f"no answer within {self._settings.timeout:g} s", loop_time())
        except (aiohttp.ClientError, OSError) as error:
            queue.failed(str(error) or type(error).__name__, loop_time())
        else:
            if 200 <= status < 300:
                queue.sent(event)
            else:
                queue.failed(f"answered {status}", loop_time(), is_final=status < 500 and status not in _PASSING)


async def _wait(changed: asyncio.Event, until: float | None) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(changed.wait(), None if until is None else max(until - loop_time(), 0.0))


def _shown(url: URL) -> str:
    """The URL without what may be secret in it."""
    return str(url.with_user(None).with_query(None).with_fragment(None))
