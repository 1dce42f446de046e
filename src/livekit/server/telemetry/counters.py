"""What happened since the server started: in its rooms, and over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomStarted
from livekit.server.responses import DisconnectReason

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NO_ROUTE = "none"


class Counters:
    """Observes rooms and requests."""

    def __init__(self) -> None:
        self.rooms_started = 0
        self.joined = 0
        """Participants whose transport came up."""
        self.left: Counter[str] = Counter()
        """By the name of the reason."""
        self.aborted = 0
        """Participants that went before their transport came up; among those who left too."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """By route and status; a WebSocket counts when it ends."""

    def observe(self, event: RoomEvent) -> None:
        """Something happened in a room."""
        if isinstance(event, RoomStarted):
            self.rooms_started += 1
        elif isinstance(event, ParticipantJoined):
            self.joined += 1
        elif isinstance(event, ParticipantLeft):
            self.left[DisconnectReason.Name(event.participant.disconnect_reason)] += 1
            self.aborted += not event.was_active

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the request."""
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            self.requests[_route(request), status] += 1


def _route(request: web.Request) -> str:
    """The pattern that the path fits: anybody can ask for any path, but there are few patterns."""
    resource = request.match_info.route.resource
    return resource.canonical.replace("{slash}", "") if resource is not None else _NO_ROUTE
