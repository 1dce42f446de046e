"""A relay of signal connections that can rewrite, drop and inject messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType

import aiohttp
from aiohttp import web
from google.protobuf.message import DecodeError
from typing_extensions import Self
from yarl import URL

from livekit._util.aio import start_task
from livekit.protocol import rtc

from .rewriting import hide_client, hide_client_in_join, redirect_server

__all__ = ["SignalRelay"]

MAX_REQUEST_LINE = 1 << 18
"""The longest request line in bytes; a join request with its offer is part of the URL."""

Address = tuple[str, int]


class SignalRelay:
    """Relays WebSockets and plain HTTP requests to the server at `url`; `self.url` is the relay's URL.

    With `locate`, addresses in messages are rewritten so that media passes through the relays that it returns.
    """

    def __init__(self, url: str, *, locate: Callable[[Address], Awaitable[Address]] | None = None) -> None:
        """Create a relay to the server at `url`, ws or wss."""
        self.url = ""
        self.missing: tuple[str, ...] = ()
        """Path prefixes that are answered with 404."""
        self.dropped_kinds: set[str] = set()
        """Kinds of server messages to drop."""
        self.requests: list[rtc.SignalRequest] = []
        """Messages received from clients."""
        self.paths: list[str] = []
        """Paths requested by clients, with the query."""
        self.joins = 0
        """Number of WebSockets opened."""
        self.request_received = asyncio.Event()
        """Set when a client has sent a message."""
        self._server = URL(url)
        self._locate = locate
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._client: web.WebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.1,
            max_line_size=MAX_REQUEST_LINE,
            max_field_size=MAX_REQUEST_LINE,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    @property
    def port(self) -> int:
        assert self._runner is not None, "opened by its context"
        return int(self._runner.addresses[0][1])

    async def inject(self, message: rtc.SignalResponse) -> None:
        """Send a message, as if from the server, to the client that connected last."""
        await self.inject_bytes(message.SerializeToString())

    async def inject_bytes(self, data: bytes) -> None:
        """Send arbitrary bytes, as if from the server."""
        assert self._client is not None
        await self._client.send_bytes(data)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.raw_path)
        if self.missing and request.path.startswith(self.missing):
            raise web.HTTPNotFound
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_websocket(request)
        return await self._serve_plain(request)

    async def _serve_plain(self, request: web.Request) -> web.Response:
        assert self._session is not None
        url = self._target(request, {"ws": "http", "wss": "https"}.get(self._server.scheme, self._server.scheme))
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        try:
            async with self._session.request(request.method, url, headers=headers, data=await request.read()) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT_HEADERS}
                return web.Response(status=answer.status, headers=kept, body=await answer.read())
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=str(error))

    async def _serve_websocket(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        headers = {name: request.headers[name] for name in ("Authorization", "User-Agent") if name in request.headers}
        url = self._target(request, self._server.scheme)
        try:
            upstream = await self._session.ws_connect(url, headers=headers, max_msg_size=0, autoclose=False)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status, text=error.message)
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=str(error))
        async with upstream:
            client = self._client = web.WebSocketResponse(max_msg_size=0)
            await client.prepare(request)
            self.joins += 1
            down = start_task(self._relay_down(upstream, client))
            try:
                with contextlib.suppress(*_CONNECTION_LOST):
                    await self._relay_up(client, upstream)
            finally:
                down.cancel()
                with contextlib.suppress(asyncio.CancelledError, *_CONNECTION_LOST):
                    await down
        return client

    async def _relay_up(self, client: web.WebSocketResponse, upstream: aiohttp.ClientWebSocketResponse[bool]) -> None:
        async for message in client:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            try:
                request = rtc.SignalRequest.FromString(message.data)
            except DecodeError:
                await upstream.send_bytes(message.data)
                continue
            self.requests.append(request)
            self.request_received.set()
            if self._locate is None:
                await upstream.send_bytes(message.data)
                continue
            changed = rtc.SignalRequest.FromString(message.data)
            if hide_client(changed):
                await upstream.send_bytes(changed.SerializeToString())

    async def _relay_down(self, upstream: aiohttp.ClientWebSocketResponse[bool], client: web.WebSocketResponse) -> None:
        async for message in upstream:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            try:
                response = rtc.SignalResponse.FromString(message.data)
            except DecodeError:
                await client.send_bytes(message.data)
                continue
            if response.WhichOneof("message") in self.dropped_kinds:
                continue
            if self._locate is None:
                await client.send_bytes(message.data)
            elif await redirect_server(response, self._locate):
                await client.send_bytes(response.SerializeToString())
        await client.close(code=upstream.close_code or aiohttp.WSCloseCode.GOING_AWAY)

    def _target(self, request: web.Request, scheme: str) -> URL:
        """Return the server's URL for a request, with the client's addresses removed from its join request."""
        path = self._server.raw_path.rstrip("/") + request.raw_path
        url = URL(f"{scheme}://{self._server.raw_authority}{path}", encoded=True)
        join_request = request.query.get("join_request")
        if join_request and self._locate is not None:
            return url.update_query(join_request=hide_client_in_join(join_request))
        return url


_CONNECTION_LOST = (aiohttp.ClientError, OSError)
"""Raised by sending to a peer that is gone."""
_KEPT_HEADERS = frozenset({"content-type", "content-encoding"})
