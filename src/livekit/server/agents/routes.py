"""`/agent`: the WebSocket of a worker, for registration and jobs."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from livekit._util.aio import loop_time
from livekit.protocol import agent
from livekit.server import limits
from livekit.server.access_log import name_connection
from livekit.server.auth import AuthError, TokenAuthority
from livekit.server.http import bearer_token
from livekit.server.message_socket import CLOSE_TIMEOUT, MessageSocket
from livekit.server.tasks import OwnedTasks

from .agent_handler import AgentHandler, TooManyWorkersError
from .workers import Worker

logger = logging.getLogger(__name__)

REGISTER_TIMEOUT = 10.0
"""Seconds until a worker must have registered."""

HEARTBEAT = 15.0
"""Seconds between WebSocket pings; a worker that misses a pong is disconnected."""


class _Link(MessageSocket[agent.WorkerMessage, agent.ServerMessage]):
    """Connection to a worker."""

    def close(self) -> None:
        self.finish()


class AgentRoutes:
    """Admits workers whose token has the `agent` grant."""

    def __init__(self, agents: AgentHandler, authority: TokenAuthority, tasks: OwnedTasks) -> None:
        self._agents = agents
        self._authority = authority
        self._tasks = tasks

    def add_to(self, app: web.Application) -> None:
        """Register the route."""
        app.router.add_get("/agent", self._join)

    async def _join(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=404)
        try:
            api_key = self._admit(request)
        except AuthError as error:
            logger.info("rejected a worker: %d %s", error.status, error.message)
            return web.Response(status=error.status, text=error.message)
        response = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT, heartbeat=HEARTBEAT, max_msg_size=limits.MAX_SIGNAL_MESSAGE
        )
        await response.prepare(request)
        link = _Link(response, self._tasks, agent.WorkerMessage)
        try:
            await self._serve(link, api_key)
        finally:
            await link.aclose()
        return response

    def _admit(self, request: web.Request) -> str:
        grants = self._authority.verify(bearer_token(request))
        if not grants.permission.agent:
            raise AuthError(401, "permissions denied")
        return grants.api_key

    async def _serve(self, link: _Link, api_key: str) -> None:
        timer = asyncio.get_running_loop().call_later(REGISTER_TIMEOUT, link.close)
        worker: Worker | None = None
        try:
            async for message in link.requests():
                if worker is not None:
                    self._agents.receive(worker, message, loop_time())
                elif message.HasField("register"):
                    timer.cancel()
                    worker = self._agents.register(link, api_key, message.register, loop_time())
                    name_connection(worker.id)
                elif message.HasField("ping"):
                    link.send(self._agents.pong(message.ping, loop_time()))
        except (ValueError, TooManyWorkersError) as error:
            self._tasks.warnings.warn("worker", "rejected a worker: %s", error)
        finally:
            timer.cancel()
            if worker is not None:
                self._agents.worker_disconnected(worker, loop_time())
