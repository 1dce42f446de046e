"""Limits HTTP connections that have not completed a request (slowloris): their number, duration and bytes.

HTTP itself sets no such limits: a client that sends half a request, or none, could hold its connection indefinitely.
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
    """Drops half-open connections after a timeout, and the oldest one if there are too many.

    A connection is half-open from its start, or from the first byte of its next request, until the request is
    complete. `serve` wraps the protocols to be limited; `middleware` notices complete requests.
    """

    def __init__(self) -> None:
        self._connections: dict[asyncio.BaseTransport, _Connection] = {}
        self._half_open: dict[_Connection, None] = {}
        """Half-open connections, oldest first."""
        self._size = 0
        """Bytes received on half-open connections since their last complete request."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def half_open_count(self) -> int:
        """The number of half-open connections."""
        return len(self._half_open)

    def serve(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Wrap a protocol factory, so that its connections are limited."""
        return lambda: _Connection(self, make())

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Read the whole body before the request is handled; the application's `client_max_size` bounds it."""
        connection = self._connections.get(cast(asyncio.BaseTransport, request.transport))
        if request.can_read_body:
            try:
                await request.read()
            except (web.RequestPayloadError, ConnectionError):
                raise web.HTTPBadRequest(text="the body of the request is not complete") from None
        if connection is None:
            return await handler(request)
        self._complete(connection)
        connection.is_busy = True
        try:
            return await handler(request)
        finally:
            connection.is_busy = False

    def close(self) -> None:
        """Stop the timer; the connections are closed by their server."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._half_open.clear()
        self._connections.clear()

    def opened(self, connection: _Connection) -> None:
        self._connections[connection.transport] = connection
        self._add(connection)

    def received(self, connection: _Connection, size: int) -> None:
        if connection.is_busy:
            return
        if connection not in self._half_open:
            self._add(connection)
        connection.size += size
        self._size += size
        while self._size > limits.MAX_HALF_OPEN_BYTES and self._half_open:
            self._drop_oldest("half-open connections hold too much memory")

    def closed(self, connection: _Connection) -> None:
        self._connections.pop(connection.transport, None)
        self._complete(connection)

    def _add(self, connection: _Connection) -> None:
        if len(self._half_open) >= limits.MAX_HALF_OPEN:
            self._drop_oldest("too many connections are half-open")
        connection.since = asyncio.get_running_loop().time()
        self._half_open[connection] = None
        if self._timer is None:
            self._arm()

    def _complete(self, connection: _Connection) -> None:
        if connection in self._half_open:
            del self._half_open[connection]
            self._size -= connection.size
            connection.size = 0

    def _arm(self) -> None:
        oldest = next(iter(self._half_open), None)
        self._timer = None
        if oldest is not None:
            self._timer = asyncio.get_running_loop().call_at(oldest.since + limits.HALF_OPEN_TIMEOUT, self._expire)

    def _expire(self) -> None:
        latest = asyncio.get_running_loop().time() - limits.HALF_OPEN_TIMEOUT
        while (oldest := next(iter(self._half_open), None)) is not None and oldest.since <= latest:
            self._drop_oldest("it did not send a complete request in time")
        self._arm()

    def _drop_oldest(self, cause: str) -> None:
        connection = next(iter(self._half_open))
        self._complete(connection)
        logger.debug("dropping a connection of %s: %s", connection.peer, cause)
        connection.transport.abort()


class _Connection(asyncio.Protocol):
    """A protocol that reports to a HalfOpenLimit and delegates to the protocol of the server."""

    def __init__(self, half_open_limit: HalfOpenLimit, inner: asyncio.Protocol) -> None:
        self.transport: asyncio.Transport
        self.is_busy = False
        """A request is being handled, or the connection was upgraded to a WebSocket."""
        self.since = 0.0
        """Time since which the connection has been half-open."""
        self.size = 0
        """Bytes received since the last complete request."""
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
