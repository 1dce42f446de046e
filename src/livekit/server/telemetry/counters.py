"""Counters of room events and HTTP requests since the server started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from livekit.protocol import models
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomStarted, TrackPublished
from livekit.server.responses import DisconnectReason

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NO_ROUTE = "none"


class Counters:
    """Counts room events and requests."""

    def __init__(self) -> None:
        self.rooms_started = 0
        self.joined = 0
        """Participants whose transport was established."""
        self.left: Counter[str] = Counter()
        """Participants that left, by reason."""
        self.aborted = 0
        """Participants that left before their transport was established; also counted in `left`."""
        self.tracks_published: Counter[str] = Counter()
        """Media tracks that were published, by kind."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """Requests by route and status; WebSockets are counted when they close."""

    def observe(self, event: RoomEvent) -> None:
        """Count a room event."""
        if isinstance(event, RoomStarted):
            self.rooms_started += 1
        elif isinstance(event, ParticipantJoined):
            self.joined += 1
        elif isinstance(event, ParticipantLeft):
            self.left[DisconnectReason.Name(event.participant.disconnect_reason)] += 1
            self.aborted += not event.was_active
        elif isinstance(event, TrackPublished):
            self.tracks_published[models.TrackType.Name(event.track.type)] += 1

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count a request."""
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            self.requests[_route(request), status] += 1


def _route(request: web.Request) -> str:
    """Return the pattern of a route: unlike paths, which clients choose freely, patterns are few."""
    resource = request.match_info.route.resource
    return resource.canonical.replace("{slash}", "") if resource is not None else _NO_ROUTE
