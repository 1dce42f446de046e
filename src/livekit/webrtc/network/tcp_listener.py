"""Passive ICE-TCP (RFC 6544 section 5.2): one listening port for all peers."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from livekit.webrtc.ice import Address
from livekit.webrtc.ice.stun import MAX_MESSAGE_SIZE

from .sockets import IceSocket
from .tcp import TcpSocket
from .udp import MAX_DATAGRAM

__all__ = ["TcpListener"]

logger = logging.getLogger("livekit.webrtc")

MAX_HALF_OPEN = 256
"""Connections without a Binding request for a peer; beyond it, the oldest is dropped."""
HALF_OPEN_TIMEOUT = 8.0
"""Seconds within which a connection must send such a request, as its first frame."""
BACKLOG = 256

Claim = Callable[[bytes, TcpSocket], bool]


class TcpListener:
    """Accepts connections, and passes each one to the peer that its first frame names."""

    def __init__(self, claim: Claim) -> None:
        """`claim` takes the first frame and the connection, and returns whether a peer has taken the connection."""
        self._claim = claim
        self._half_open: dict[TcpSocket, float] = {}
        """Connections without a peer, oldest first, and when each one is dropped."""
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._servers: list[asyncio.AbstractServer] = []

    @property
    def half_open_count(self) -> int:
        return len(self._half_open)

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on bound sockets, which are closed together with the listener."""
        for one in sockets:
            self._servers.append(await self._loop.create_server(self._accept, sock=one, backlog=BACKLOG))

    async def aclose(self) -> None:
        """Stop listening, and drop the connections without a peer."""
        for server in self._servers:
            server.close()
        for connection in list(self._half_open):
            connection.abort()
        self._half_open.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _accept(self) -> TcpSocket:
        if len(self._half_open) >= MAX_HALF_OPEN:
            self._drop(next(iter(self._half_open)))
        connection = TcpSocket(self._receive_first, None, self._lost, max_frame=MAX_MESSAGE_SIZE)
        self._half_open[connection] = self._loop.time() + HALF_OPEN_TIMEOUT
        if self._timer is None:
            self._timer = self._loop.call_later(HALF_OPEN_TIMEOUT, self._expire)
        return connection

    def _receive_first(self, data: bytes, connection: IceSocket, address: Address) -> None:
        assert isinstance(connection, TcpSocket)
        if connection not in self._half_open:
            return
        connection.max_frame = MAX_DATAGRAM
        if self._claim(data, connection):
            self._half_open.pop(connection, None)
            connection.receive(data, connection, address)
        else:
            logger.debug("dropping an ICE-TCP connection from %s:%d: it names no peer", *address)
            self._drop(connection)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        for connection, expires_at in list(self._half_open.items()):
            if expires_at > now:
                self._timer = self._loop.call_at(expires_at, self._expire)
                return
            self._drop(connection)

    def _drop(self, connection: TcpSocket) -> None:
        self._half_open.pop(connection, None)
        connection.abort()

    def _lost(self, connection: TcpSocket) -> None:
        self._half_open.pop(connection, None)
