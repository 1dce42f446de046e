"""ICE-TCP connections on loopback (RFC 6544, RFC 4571)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from livekit.webrtc.ice import Address
from livekit.webrtc.network import tcp
from livekit.webrtc.network.tcp import MAX_FRAME, TcpSocket, open_tcp_socket
from tests.webrtc.network.inbox import LOOPBACK, WAIT, Inbox

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(serve: Serve) -> AsyncGenerator[Address, None]:
    """Accept connections; yields the address."""
    server = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        await server.wait_closed()


async def test_packets_are_framed_by_length() -> None:
    """RFC 4571 section 2: frames may be split and coalesced in any way."""
    inbox = Inbox()
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    lost: asyncio.Future[TcpSocket] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in (b"\0", b"\3one\0", b"\3t", b"wo\0\0\0\1", b"!"):
            writer.write(part)
            await asyncio.sleep(0.01)
        received.set_result(await reader.readexactly(7))
        writer.close()

    async with listening(serve) as remote:
        tcp_socket = await open_tcp_socket(inbox, remote, lost.set_result)
        assert tcp_socket.local_address[0] == LOOPBACK
        assert [await inbox.get() for _ in range(4)] == [(data, remote) for data in (b"one", b"two", b"", b"!")]
        tcp_socket.send(bytes(MAX_FRAME + 1), remote)  # dropped: its length does not fit
        tcp_socket.send(b"hello", remote)
        assert await asyncio.wait_for(received, WAIT) == b"\0\5hello"
        assert await asyncio.wait_for(lost, WAIT) is tcp_socket
        tcp_socket.send(b"late", remote)
        tcp_socket.close()
        await tcp_socket.wait_closed()


async def test_frames_are_dropped_while_the_send_buffer_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "SOCKET_BUFFER", 200_000)
    may_read, ended = asyncio.Event(), asyncio.Event()
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_read.wait()
        while data := await reader.read(1 << 20):
            received.extend(data)
        writer.close()
        ended.set()

    async with listening(serve) as remote:
        tcp_socket = await open_tcp_socket(Inbox(), remote, lambda _: None)
        for _ in range(1000):
            tcp_socket.send(bytes(50_000), remote)
        may_read.set()
        tcp_socket.close()
        await asyncio.wait_for(ended.wait(), WAIT)
        await tcp_socket.wait_closed()
    assert len(received) % 50_002 == 0
    assert 1 <= len(received) // 50_002 < 1000


async def test_cancelling_wait_closed_aborts_the_connection() -> None:
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    async with listening(serve) as remote:
        lost: asyncio.Future[TcpSocket] = asyncio.get_running_loop().create_future()
        tcp_socket = await open_tcp_socket(Inbox(), remote, lost.set_result)
        try:
            for _ in range(20):  # until the kernel's buffers are full, too
                for _ in range(100):
                    tcp_socket.send(bytes(50_000), remote)
                await asyncio.sleep(0.005)
            tcp_socket.close()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(tcp_socket.wait_closed(), 0.05)
            assert await asyncio.wait_for(lost, WAIT) is tcp_socket
        finally:
            release.set()


async def test_connection_refused() -> None:
    async with listening(lambda reader, writer: asyncio.sleep(0)) as remote:
        pass
    with pytest.raises(OSError, match="refused|Connect"):
        await open_tcp_socket(Inbox(), remote, lambda _: None)
