"""A WebSocket of protobuf messages with an outgoing queue, so that sending never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from aiohttp import WSCloseCode, WSMsgType, web
from google.protobuf.message import DecodeError, Message

from . import limits
from .rate_limit import RateLimit
from .tasks import OwnedTasks

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 1.0
"""Seconds for writing the queued messages, and again for the closing handshake."""


Incoming = TypeVar("Incoming", bound=Message)
Outgoing = TypeVar("Outgoing", bound=Message)


class MessageSocket(Generic[Incoming, Outgoing]):
    """Sends messages in order through a bounded queue and yields incoming messages at a limited rate."""

    def __init__(self, socket: web.WebSocketResponse, tasks: OwnedTasks, incoming: type[Incoming]) -> None:
        self._socket = socket
        self._incoming = incoming
        self._tasks = tasks
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queued_bytes = 0
        self._writer = tasks.spawn(self._write(), name="message writer")
        self._closer: asyncio.Task[None] | None = None

    def send(self, message: Outgoing) -> None:
        """Queue a message; it is dropped if the socket is closing. A full queue closes the socket."""
        if self._closer is not None:
            return
        if self._queue.qsize() >= limits.MAX_SIGNAL_BACKLOG or self._queued_bytes > limits.MAX_SIGNAL_BACKLOG_BYTES:
            waiting = self._queue.qsize()
            warn = self._tasks.warnings.warn
            warn("backlog", "closing a WebSocket: the client does not read, %d messages are queued", waiting)
            self._writer.cancel()
            self.finish()
            return
        data = message.SerializeToString()
        self._queued_bytes += len(data)
        self._queue.put_nowait(data)

    def finish(self, code: int = WSCloseCode.OK, reason: str = "") -> None:
        """Write the queued messages, then close with a WebSocket close code; does not wait for that."""
        if self._closer is None:
            self._queue.put_nowait(None)
            self._closer = self._tasks.spawn(self._close(code, reason.encode()), name="message close")

    async def aclose(self) -> None:
        """Write the queued messages and close."""
        self.finish()
        if self._closer is not None:
            await asyncio.wait({self._closer})

    async def requests(self) -> AsyncIterator[Incoming]:
        """Yield incoming messages until the connection ends or an invalid message arrives.

        Reading pauses while the client exceeds the rate limits, which exerts TCP back-pressure.
        """
        time = asyncio.get_running_loop().time
        messages, size = RateLimit(limits.MAX_SIGNALS_PER_SECOND), RateLimit(limits.MAX_SIGNAL_BYTES_PER_SECOND)
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY:
                logger.debug("closing a WebSocket that sends frames of type %s", message.type.name)
                return
            try:
                yield self._incoming.FromString(message.data)
            except DecodeError:
                logger.debug("closing a WebSocket that sends an invalid %s", self._incoming.__name__)
                return
            now = time()
            delay = max(messages.delay(1, now), size.delay(len(message.data), now))
            if delay:
                await asyncio.sleep(delay)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (data := await self._queue.get()) is not None:
                await self._socket.send_bytes(data)
                self._queued_bytes -= len(data)

    async def _close(self, code: int, reason: bytes) -> None:
        _, unfinished = await asyncio.wait({self._writer}, timeout=CLOSE_TIMEOUT)
        for writer in unfinished:
            writer.cancel()
        with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
            await asyncio.wait_for(self._socket.close(code=code, message=reason), CLOSE_TIMEOUT)
