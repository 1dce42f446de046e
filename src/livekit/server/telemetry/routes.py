"""`/metrics` and `/debug/state`, for programs on this machine; pages of other origins are rejected."""

from __future__ import annotations

from aiohttp import web

from livekit.server.components import Components
from livekit.server.request_origin import local_only

from .counters import Counters
from .exposition import CONTENT_TYPE, render
from .metrics import collect
from .state import describe


class Telemetry:
    """Counts events and requests from its creation on; serves metrics and the server's state."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._counters = Counters()
        self._started_at = components.rooms.wall_time(components.clock())
        components.rooms.observe(self._counters.observe)
        self.middleware = self._counters.middleware

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_get("/metrics", local_only(self._metrics))
        app.router.add_get("/debug/state", local_only(self._state))

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        page = render(collect(self._components, self._counters, self._started_at))
        return web.Response(body=page.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _state(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(describe(self._components, self._started_at))
