"""ICE-TCP connections (RFC 6544) with packets framed by length (RFC 4571), active or accepted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from livekit.webrtc.ice import Address

from .sockets import SOCKET_BUFFER, ReceiveDatagram, UnbatchedSocket, host_and_port

__all__ = ["TcpSocket", "open_tcp_socket"]

CONNECT_TIMEOUT = 5.0
"""Seconds."""
MAX_FRAME = 65_535
"""Bytes (RFC 4571 section 2)."""


class TcpSocket(asyncio.Protocol, UnbatchedSocket):
    """An ICE-TCP connection to one remote candidate."""

    def __init__(
        self,
        receive: ReceiveDatagram,
        remote: Address | None,
        on_lost: Callable[[TcpSocket], None],
        *,
        max_frame: int = MAX_FRAME,
    ) -> None:
        """`remote` is None for an accepted connection: its peer's address then.

        `on_lost` is called once when the connection has closed, for whatever reason. A frame over `max_frame` bytes
        aborts the connection before it is buffered.
        """
        self.receive = receive
        self.max_frame = max_frame
        self.on_lost = on_lost
        self._remote = remote or ("", 0)
        self._accepted = remote is None
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._accepted:
            self._remote = host_and_port(transport.get_extra_info("peername"))
        tcp_socket: socket.socket | None = transport.get_extra_info("socket")
        if tcp_socket is not None:
            tcp_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._closed.done():
            self._closed.set_result(None)
            self.on_lost(self)

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def local_address(self) -> Address:
        assert self._transport is not None
        return host_and_port(self._transport.get_extra_info("sockname"))

    @property
    def remote_address(self) -> Address:
        return self._remote

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= 2:
            size = buffer[start] << 8 | buffer[start + 1]
            if size > self.max_frame:
                self.abort()
                return
            end = start + 2 + size
            if end > len(buffer):
                break
            self.receive(bytes(buffer[start + 2 : end]), self, self._remote)
            if self._transport is None or self._transport.is_closing():
                return
            start = end
        del buffer[:start]

    def send(self, data: bytes, address: Address) -> None:
        """Send a frame. It is dropped while `SOCKET_BUFFER` bytes are queued: late data is worse than lost data."""
        transport = self._transport
        if transport is not None and len(data) <= MAX_FRAME and transport.get_write_buffer_size() < SOCKET_BUFFER:
            transport.write(len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection without sending what is queued."""
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until queued data is sent and the connection closed; cancellation aborts the connection."""
        try:
            await asyncio.shield(self._closed)
        except asyncio.CancelledError:
            if self._transport is not None:
                self._transport.abort()
            raise


async def open_tcp_socket(receive: ReceiveDatagram, remote: Address, on_lost: Callable[[TcpSocket], None]) -> TcpSocket:
    """Connect to a passive TCP candidate.

    Raises:
        OSError: the connection was refused or the host is unreachable.
        asyncio.TimeoutError: it took longer than `CONNECT_TIMEOUT`.
    """
    loop = asyncio.get_running_loop()
    connecting = loop.create_connection(lambda: TcpSocket(receive, remote, on_lost), *remote)
    _, ice_socket = await asyncio.wait_for(connecting, CONNECT_TIMEOUT)
    return ice_socket
