"""Accepts TCP connections, and refuses them in HTTP while the process has no free file descriptors.

asyncio logs a traceback for each connection it cannot accept, and uvloop closes them without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Coroutine

from livekit._util.aio import start_task
from livekit._util.exhaustion import exhausted_resource
from livekit._util.logs import RateLimitedLog

logger = logging.getLogger(__name__)

RETRY_DELAY = 0.5
"""Seconds before the next attempt to accept a connection, and for a refused client to close its end."""
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"
)


class Acceptor:
    """Accepts the connections of listening sockets, which it owns."""

    def __init__(self, make_protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._make_protocol = make_protocol
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = RateLimitedLog(logger)
        self._spare: int | None = None
        """A file descriptor that is closed to accept, and refuse, a connection when there is no other."""

    def start(self, sockets: list[socket.socket], backlog: int) -> None:
        """Listen on these bound sockets; the kernel queues up to `backlog` connections."""
        self._sockets = sockets
        self._reserve()
        for listening in sockets:
            listening.setblocking(False)
            listening.listen(backlog)
            self._spawn(self._accept(listening))

    async def aclose(self) -> None:
        """Close the sockets; accepted connections stay open."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listening in self._sockets:
            listening.close()
        self._release()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except ConnectionError:
                continue  # it was closed before it was accepted
            except OSError as error:
                self._log.warn("accept", "cannot accept connections: %s", exhausted_resource(error) or error)
                await self._refuse(listening)
                continue
            self._spawn(self._serve(connection))
            await asyncio.sleep(0)  # waiting connections are accepted without a pause otherwise

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._make_protocol, connection)
        except OSError as error:
            connection.close()
            self._log.warn("serve", "cannot serve a connection: %s", exhausted_resource(error) or error)

    async def _refuse(self, listening: socket.socket) -> None:
        """Answer one connection with 503, by means of the spare descriptor."""
        self._release()
        loop = asyncio.get_running_loop()
        try:
            connection, _ = listening.accept()
        except OSError:
            await asyncio.sleep(RETRY_DELAY)
        else:
            with connection, contextlib.suppress(OSError, asyncio.TimeoutError):
                connection.setblocking(False)
                text = b"the server has no free file descriptors"
                connection.send(_REFUSAL % (len(text), text))
                connection.shutdown(socket.SHUT_WR)
                # Closing a socket with unread data would reset it, and the client might not read the response.
                await asyncio.wait_for(_read_to_end(loop, connection), RETRY_DELAY)
        finally:
            self._reserve()

    def _reserve(self) -> None:
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY)

    def _release(self) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = start_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _read_to_end(loop: asyncio.AbstractEventLoop, connection: socket.socket) -> None:
    while await loop.sock_recv(connection, 65_536):
        pass
