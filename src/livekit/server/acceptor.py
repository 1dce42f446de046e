"""Accepts TCP connections, and refuses them in HTTP while the process has no free file descriptors.

asyncio logs a traceback for each connection that it cannot accept, and uvloop closes such connections silently.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

from livekit._util.aio import within
from livekit._util.exhaustion import exhausted_resource

from .tasks import OwnedTasks

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
        self._tasks = OwnedTasks()
        self._spare: int | None = None
        """A file descriptor to close when no other is free: it lets a connection be accepted, and refused."""

    def start(self, sockets: list[socket.socket], backlog: int) -> None:
        """Listen on these bound sockets; the kernel queues up to `backlog` connections."""
        self._sockets = sockets
        self._reserve()
        for listening in sockets:
            listening.setblocking(False)
            listening.listen(backlog)
            self._tasks.run(self._accept(listening), name="accept connections")

    async def aclose(self) -> None:
        """Close the sockets; accepted connections stay open."""
        await self._tasks.aclose()
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
                self._warn("cannot accept connections", error)
                await self._refuse(listening)
                continue
            self._tasks.run(self._serve(connection), name="serve a connection")
            await asyncio.sleep(0)  # with connections in the queue, sock_accept does not suspend

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._make_protocol, connection)
        except OSError as error:
            connection.close()
            self._warn("cannot serve a connection", error)

    async def _refuse(self, listening: socket.socket) -> None:
        """Answer one connection with 503, by means of the spare descriptor."""
        self._release()
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
                await within(RETRY_DELAY, _read_to_end(connection))
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

    def _warn(self, failure: str, error: OSError) -> None:
        self._tasks.warnings.warn(failure, "%s: %s", failure, exhausted_resource(error) or error)


async def _read_to_end(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(connection, 65_536):
        pass
