"""Live updates for open pages, as server-sent events.

Nothing is queued for a page: each look takes what changed since the last one, and the next look waits until the page
has read it. A page that does not read costs one update and one connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from livekit.server.room_manager import RoomManager

from .observer import Observer
from .snapshot import call_json, note_json, rooms_json

MAX_PAGES = 16
"""Pages that are open at once; the next one is refused."""
LOOK_INTERVAL = 0.25
HEARTBEAT = 15.0
"""Seconds without news after which a page is written to all the same, to notice that it is gone."""
RETRY = b"retry: 1000\n"
"""Milliseconds after which a page that lost the server tries again."""
MAX_CALLS_PER_UPDATE = 100
"""Calls in one update; more come with the next ones, as far as they are remembered until then."""

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Updates:
    """What one page has not been told yet."""

    def __init__(self, rooms: RoomManager, observer: Observer) -> None:
        self._rooms = rooms
        self._observer = observer
        self._revision = 0
        self._note = 0
        self._state = ""

    def take(self, now: float) -> Iterator[bytes]:
        """The events that are due."""
        observer, wall_time = self._observer, self._rooms.wall_time
        observer.calls.tick(now)
        state = _dumps(rooms_json(self._rooms.rooms, observer, now))
        if state != self._state:
            self._state = state
            yield event("state", state)
        calls = observer.calls.changed_since(self._revision, MAX_CALLS_PER_UPDATE)
        if calls:
            self._revision = calls[-1].revision
            yield event("calls", _dumps([call_json(call, wall_time) for call in calls]))
        notes = observer.event_log.since(self._note)
        if notes:
            self._note = notes[-1].number
            yield event("notes", _dumps([note_json(note, wall_time) for note in notes]))


class EventStreams:
    """The pages that are open."""

    def __init__(self, rooms: RoomManager, observer: Observer, hello: Callable[[], dict[str, Any]]) -> None:
        """`hello` is what a page is told first."""
        self._rooms = rooms
        self._observer = observer
        self._hello = hello
        self._open = 0
        self._closing = asyncio.Event()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._open

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a page until it or the server closes."""
        if self._open >= MAX_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{MAX_PAGES} pages of the console are open: close one")
        response = web.StreamResponse(headers=HEADERS)
        self._open += 1
        try:
            _ = await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                await self._write(response)
        finally:
            self._open -= 1
        return response

    def close(self) -> None:
        """End them all."""
        self._closing.set()

    async def _write(self, response: web.StreamResponse) -> None:
        loop = asyncio.get_running_loop()
        updates = Updates(self._rooms, self._observer)
        await response.write(RETRY + event("hello", _dumps(self._hello())))
        written = loop.time()
        while not self._closing.is_set():
            for update in updates.take(loop.time()):
                await response.write(update)
                written = loop.time()
            if loop.time() - written >= HEARTBEAT:
                await response.write(b":\n\n")
                written = loop.time()
            with contextlib.suppress(asyncio.TimeoutError):
                _ = await asyncio.wait_for(self._closing.wait(), LOOK_INTERVAL)


def event(name: str, data: str) -> bytes:
    """One server-sent event; `data` is of one line."""
    return f"event: {name}\ndata: {data}\n\n".encode()


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
