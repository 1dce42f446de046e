"""A WebSocket proxy between a session and its server that can speak in the server's name, or hold its tongue."""

from __future__ import annotations

import asyncio
from types import TracebackType

import aiohttp
from aiohttp import web
from typing_extensions import Self
from yarl import URL

from livekit.protocol import rtc


class SignalProxy:
    """Relays signal messages to the server of `url`; `self.url` is the proxy's."""

    def __init__(self, url: str) -> None:
        self._upstream = url
        self._runner: web.AppRunner | None = None
        self._client: web.WebSocketResponse | None = None
        self._session: aiohttp.ClientSession | None = None
        self.url = ""
        self.requests: list[rtc.SignalRequest] = []
        """What the client said."""
        self.muted: set[str] = set()
        """Kinds of the server's messages that are swallowed."""
        self.joins = 0
        self.heard = asyncio.Event()
        """Set when the client has said something."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application(handler_args={"max_line_size": 2**16, "max_field_size": 2**16})
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    async def say(self, message: rtc.SignalResponse) -> None:
        """Say something to the client in the server's name."""
        assert self._client is not None
        await self._client.send_bytes(message.SerializeToString())

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        headers = {"Authorization": request.headers["Authorization"]}
        url = self._upstream + request.raw_path
        async with self._session.ws_connect(URL(url, encoded=True), headers=headers) as upstream:
            client = self._client = web.WebSocketResponse()
            await client.prepare(request)
            self.joins += 1
            down = asyncio.ensure_future(self._down(upstream, client))
            try:
                async for message in client:
                    self.requests.append(rtc.SignalRequest.FromString(message.data))
                    self.heard.set()
                    await upstream.send_bytes(message.data)
            finally:
                down.cancel()
                await asyncio.gather(down, return_exceptions=True)
        return client

    async def _down(self, upstream: aiohttp.ClientWebSocketResponse[bool], client: web.WebSocketResponse) -> None:
        async for message in upstream:
            if rtc.SignalResponse.FromString(message.data).WhichOneof("message") not in self.muted:
                await client.send_bytes(message.data)
        await client.close()
