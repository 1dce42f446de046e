"""Live updates of open pages, as server-sent events.

Nothing is queued: each update has the changes since the previous one, and is generated only once the page has read that
one (back-pressure). A page that does not read costs one update and one connection.
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
from .snapshot import call_json, log_entry_json, methods_json, rooms_json

MAX_PAGES = 16
"""Maximum number of open pages; further ones are rejected."""
UPDATE_INTERVAL = 0.25
HEARTBEAT = 15.0
"""Seconds without updates after which a comment is sent, to detect closed pages."""
RETRY = b"retry: 1000\n"
"""Reconnection delay of pages, in milliseconds."""
MAX_CALLS_PER_UPDATE = 100
"""Maximum number of calls in one update; the rest follow in later updates, unless dropped by then."""

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Updates:
    """Generates the updates of one page."""

    def __init__(self, rooms: RoomManager, observer: Observer) -> None:
        self._rooms = rooms
        self._observer = observer
        self._revision = 0
        self._last_entry = 0
        self._state = ""
        self._methods = _dumps([])

    def take(self, now: float) -> Iterator[bytes]:
        """Yield events for all changes since the previous call."""
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
        methods = _dumps(methods_json(observer.calls.methods.summaries()))
        if methods != self._methods:
            self._methods = methods
            yield event("methods", methods)
        notes = observer.event_log.since(self._last_entry)
        if notes:
            self._last_entry = notes[-1].number
            yield event("notes", _dumps([log_entry_json(note, wall_time) for note in notes]))


class EventStreams:
    """Serves the event streams of all open pages."""

    def __init__(self, rooms: RoomManager, observer: Observer, greeting: Callable[[], dict[str, Any]]) -> None:
        """`greeting` returns the data of the first event."""
        self._rooms = rooms
        self._observer = observer
        self._greeting = greeting
        self._open = 0
        self._closing = asyncio.Event()

    @property
    def count(self) -> int:
        """The number of open pages."""
        return self._open

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Send updates until the page disconnects or the server closes."""
        if self._open >= MAX_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{MAX_PAGES} console pages are open; close one")
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
        """End all streams."""
        self._closing.set()

    async def _write(self, response: web.StreamResponse) -> None:
        loop = asyncio.get_running_loop()
        updates = Updates(self._rooms, self._observer)
        await response.write(RETRY + event("hello", _dumps(self._greeting())))
        written = loop.time()
        while not self._closing.is_set():
            for update in updates.take(loop.time()):
                await response.write(update)
                written = loop.time()
            if loop.time() - written >= HEARTBEAT:
                await response.write(b":\n\n")
                written = loop.time()
            with contextlib.suppress(asyncio.TimeoutError):
                _ = await asyncio.wait_for(self._closing.wait(), UPDATE_INTERVAL)


def event(name: str, data: str) -> bytes:
    """Return a server-sent event; `data` must be a single line."""
    return f"event: {name}\ndata: {data}\n\n".encode()


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
