"""Passive ICE-TCP: connections, and the bounds of those that belong to no peer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from livekit.webrtc.ice import Address
from livekit.webrtc.ice.stun import MAX_MESSAGE_SIZE
from livekit.webrtc.network import tcp_listener
from livekit.webrtc.network.listening import bind_tcp
from livekit.webrtc.network.sockets import IceSocket
from livekit.webrtc.network.tcp import TcpSocket
from livekit.webrtc.network.tcp_listener import TcpListener
from livekit.webrtc.network.udp import MAX_DATAGRAM
from tests.webrtc.network.inbox import LOOPBACK, WAIT


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


class Listening:
    """A listener whose only peer is the one that the frame `peer` names."""

    def __init__(self) -> None:
        self.claimed: asyncio.Queue[TcpSocket] = asyncio.Queue()
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.listener = TcpListener(self._claim)
        self.port = 0

    def _claim(self, data: bytes, connection: TcpSocket) -> bool:
        if data != b"peer":
            return False
        connection.receive = self._receive
        self.claimed.put_nowait(connection)
        return True

    def _receive(self, data: bytes, ice_socket: IceSocket, address: Address) -> None:
        self.received.put_nowait(data)

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        writer.write(data)
        return reader, writer


@pytest.fixture
async def listening() -> AsyncGenerator[Listening]:
    one = Listening()
    sockets = bind_tcp([LOOPBACK], 0)
    one.port = sockets[0].getsockname()[1]
    await one.listener.listen(sockets)
    yield one
    await one.listener.aclose()


async def is_dropped(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), WAIT) == b""
    except ConnectionResetError:
        return True


async def test_a_connection_belongs_to_the_peer_that_its_first_frame_names(listening: Listening) -> None:
    reader, writer = await listening.connect(frame(b"peer") + frame(b"one")[:3])
    connection = await asyncio.wait_for(listening.claimed.get(), WAIT)
    assert listening.listener.half_open_count == 0
    writer.write(frame(b"one")[3:] + frame(b"x" * MAX_DATAGRAM))
    assert [len(await asyncio.wait_for(listening.received.get(), WAIT)) for _ in range(3)] == [4, 3, MAX_DATAGRAM]
    connection.send(b"back", connection.remote_address)
    assert await asyncio.wait_for(reader.readexactly(6), WAIT) == frame(b"back")
    writer.close()
    connection.close()
    await asyncio.wait_for(connection.wait_closed(), WAIT)


@pytest.mark.parametrize(
    "data",
    [frame(b"nobody"), frame(b""), (MAX_MESSAGE_SIZE + 1).to_bytes(2, "big"), b"GET / HTTP/1.1\r\n\r\n"],
    ids=["unknown", "empty", "too long", "HTTP"],
)
async def test_a_connection_without_a_peer_is_dropped(listening: Listening, data: bytes) -> None:
    reader, writer = await listening.connect(data)
    assert await is_dropped(reader)
    assert listening.listener.half_open_count == 0
    writer.close()


async def test_an_oversize_frame_ends_a_connection(listening: Listening) -> None:
    reader, writer = await listening.connect(frame(b"peer") + (MAX_DATAGRAM + 1).to_bytes(2, "big"))
    assert await is_dropped(reader)
    writer.close()


async def test_half_open_connections_time_out(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_listener, "HALF_OPEN_TIMEOUT", 0.05)
    silent = [await listening.connect(data) for data in (b"", b"\0", frame(b"peer")[:4])]
    for reader, writer in silent:
        assert await is_dropped(reader)
        writer.close()
    assert listening.listener.half_open_count == 0


async def test_the_oldest_half_open_connection_makes_room(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_listener, "MAX_HALF_OPEN", 2)
    silent = [await listening.connect() for _ in range(3)]
    assert await is_dropped(silent[0][0])
    assert listening.listener.half_open_count == 2
    _, writer = await listening.connect(frame(b"peer"))
    await asyncio.wait_for(listening.claimed.get(), WAIT)
    for _, each in (*silent, (None, writer)):
        each.close()
