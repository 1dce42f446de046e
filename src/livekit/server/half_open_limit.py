"""Connections that have not said yet what they want: how many, for how long, and how much they may have sent.

HTTP alone leaves that open: who opens sockets and sends half a request, or nothing, holds them for as long as it likes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web

from . import limits

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HalfOpenLimit:
    """Drops connections without a complete request: after a time, and the oldest when there are too many.

    `serve` makes the protocols that it watches; `middleware` tells it that a request is complete.
    """

    def __init__(self) -> None:
        self._connections: dict[asyncio.BaseTransport, _Connection] = {}
        self._waiting: dict[_Connection, None] = {}
        """Those without a complete request, oldest first."""
        self._size = 0
        """Bytes that those have sent."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def half_open(self) -> int:
        """How many connections are without a complete request."""
        return len(self._waiting)

    def serve(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A factory of protocols that are watched, made of those that do the work."""
        return lambda: _Connection(self, make())

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Take the body before anybody works on the request; `client_max_size` of the application bounds it."""
        connection = self._connections.get(cast(asyncio.BaseTransport, request.transport))
        if request.can_read_body:
            try:
                await request.read()
            except (web.RequestPayloadError, ConnectionError):
                raise web.HTTPBadRequest(text="the body of the request is not complete") from None
        if connection is None:
            return await handler(request)
        self._settled(connection)
        connection.is_busy = True
        try:
            return await handler(request)
        finally:
            connection.is_busy = False

    def close(self) -> None:
        """Forget everything; the connections are closed by who serves them."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.clear()
        self._connections.clear()

    def opened(self, connection: _Connection) -> None:
        self._connections[connection.transport] = connection
        self._wait(connection)

    def received(self, connection: _Connection, size: int) -> None:
        if connection.is_busy:
            return
        if connection not in self._waiting:
            self._wait(connection)
        connection.size += size
        self._size += size
        while self._size > limits.MAX_HALF_OPEN_BYTES and self._waiting:
            self._drop_oldest("half-open ones hold too much memory")

    def closed(self, connection: _Connection) -> None:
        self._connections.pop(connection.transport, None)
        self._settled(connection)

    def _wait(self, connection: _Connection) -> None:
        if len(self._waiting) >= limits.MAX_HALF_OPEN:
            self._drop_oldest("too many are half-open")
        connection.since = asyncio.get_running_loop().time()
        self._waiting[connection] = None
        if self._timer is None:
            self._arm()

    def _settled(self, connection: _Connection) -> None:
        if connection in self._waiting:
            del self._waiting[connection]
            self._size -= connection.size
            connection.size = 0

    def _arm(self) -> None:
        oldest = next(iter(self._waiting), None)
        self._timer = None
        if oldest is not None:
            self._timer = asyncio.get_running_loop().call_at(oldest.since + limits.HALF_OPEN_TIMEOUT, self._expire)

    def _expire(self) -> None:
        latest = asyncio.get_running_loop().time() - limits.HALF_OPEN_TIMEOUT
        while (oldest := next(iter(self._waiting), None)) is not None and oldest.since <= latest:
            self._drop_oldest("it did not send a complete request in time")
        self._arm()

    def _drop_oldest(self, why: str) -> None:
        connection = next(iter(self._waiting))
        self._settled(connection)
        logger.debug("dropping a connection of %s: %s", connection.peer, why)
        connection.transport.abort()


class _Connection(asyncio.Protocol):
    """One connection: everything is passed on to the protocol that does the work."""

    def __init__(self, half_open_limit: HalfOpenLimit, inner: asyncio.Protocol) -> None:
        self.transport: asyncio.Transport
        self.is_busy = False
        """A request is being worked on, or it has become a WebSocket."""
        self.since = 0.0
        self.size = 0
        """Bytes that came since the last complete request."""
        self._half_open_limit = half_open_limit
        self._inner = inner

    @property
    def peer(self) -> object:
        return self.transport.get_extra_info("peername")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._half_open_limit.opened(self)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._half_open_limit.received(self, len(data))
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._half_open_limit.closed(self)
        self._inner.connection_lost(exc)
