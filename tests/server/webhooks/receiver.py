"""A program that takes webhooks, checked with the official verifier."""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiohttp import web
from typing_extensions import Self

from livekit.api import TokenVerifier, WebhookReceiver
from livekit.protocol.webhook import WebhookEvent
from tests.server.client import PATIENCE


class Receiver:
    """Listens on a port of its own; `answers` are the statuses of the next requests, then 200."""

    def __init__(self, key: str = "devkey", secret: str = "secret", port: int = 0) -> None:
        self.events: list[WebhookEvent] = []
        """Those that were answered with 200."""
        self.bodies: list[tuple[str, str]] = []
        """Body and Authorization header of every request."""
        self.answers: list[int] = []
        self.gate = asyncio.Event()
        """No request is answered before it is set."""
        self.gate.set()
        self._port = port
        self._verifier = WebhookReceiver(TokenVerifier(key, secret))
        self._runner: web.AppRunner | None = None
        self._came = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=a-secret"

    @property
    def port(self) -> int:
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    @property
    def names(self) -> list[str]:
        """What came, and of whom."""
        return [" ".join(filter(None, (event.event, event.participant.identity))) for event in self.events]

    async def until(self, count: int) -> None:
        """So many events came."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.events) >= count), PATIENCE)

    async def until_asked(self, count: int) -> None:
        """So many requests came."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.bodies) >= count), PATIENCE)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._pop)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _pop(self, request: web.Request) -> web.Response:
        body, header = await request.text(), request.headers["Authorization"]
        assert request.headers["Content-Type"] == "application/webhook+json"
        self.bodies.append((body, header))
        async with self._came:
            self._came.notify_all()
        await self.gate.wait()
        if self.answers and (status := self.answers.pop(0)) != 200:
            return web.Response(status=status, headers={"Location": "/elsewhere"})
        self.events.append(self._verifier.receive(body, header))
        async with self._came:
            self._came.notify_all()
        return web.Response()
