"""A receiver of webhooks that verifies them with the official SDK."""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiohttp import web
from typing_extensions import Self

from livekit.api import TokenVerifier, WebhookReceiver
from livekit.protocol.webhook import WebhookEvent
from tests.server.client import PATIENCE


class Receiver:
    """Listens on its own port; `answers` are the statuses of the next responses, 200 afterwards."""

    def __init__(self, key: str = "devkey", secret: str = "secret", port: int = 0) -> None:
        self.events: list[WebhookEvent] = []
        """Events that were accepted with status 200."""
        self.bodies: list[tuple[str, str]] = []
        """Bodies and Authorization headers of all requests."""
        self.answers: list[int] = []
        self.gate = asyncio.Event()
        """Responses are delayed until this is set."""
        self.gate.set()
        self._port = port
        self._verifier = WebhookReceiver(TokenVerifier(key, secret))
        self._runner: web.AppRunner | None = None
        self._arrived = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=a-secret"

    @property
    def port(self) -> int:
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    @property
    def names(self) -> list[str]:
        """Names of the events, with the participant's identity if any."""
        return [" ".join(filter(None, (event.event, event.participant.identity))) for event in self.events]

    async def until(self, count: int) -> None:
        """Wait for `count` events."""
        async with self._arrived:
            await asyncio.wait_for(self._arrived.wait_for(lambda: len(self.events) >= count), PATIENCE)

    async def until_asked(self, count: int) -> None:
        """Wait for `count` requests."""
        async with self._arrived:
            await asyncio.wait_for(self._arrived.wait_for(lambda: len(self.bodies) >= count), PATIENCE)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body, header = await request.text(), request.headers["Authorization"]
        assert request.headers["Content-Type"] == "application/webhook+json"
        self.bodies.append((body, header))
        async with self._arrived:
            self._arrived.notify_all()
        await self.gate.wait()
        if self.answers and (status := self.answers.pop(0)) != 200:
            return web.Response(status=status, headers={"Location": "/elsewhere"})
        self.events.append(self._verifier.receive(body, header))
        async with self._arrived:
            self._arrived.notify_all()
        return web.Response()
