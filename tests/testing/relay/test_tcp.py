from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from livekit.testing.netem import Link, LinkOptions
from livekit.testing.relay import TcpRelay
from livekit.testing.relay.datagram_link import Deliver

BULK = random.Random(3).randbytes(300_000)


@pytest.fixture
async def echo_port(no_leaks: None) -> AsyncIterator[int]:
    """Run an echo server and return its port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def links(options: LinkOptions) -> tuple[Link[Deliver], Link[Deliver]]:
    return Link(options, random.Random(1)), Link(options, random.Random(2))


@pytest.mark.parametrize(
    "options",
    [
        LinkOptions(),
        LinkOptions(delay=0.02, jitter=0.02, reorder=0.2, duplicate=0.2),
        LinkOptions(loss=0.005, mtu=1000),
    ],
)
async def test_bytes_arrive_once_and_in_order(echo_port: int, options: LinkOptions) -> None:
    async with TcpRelay(("127.0.0.1", echo_port), *links(options)) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(BULK)
        assert await asyncio.wait_for(reader.readexactly(len(BULK)), 30) == BULK
        writer.close()
        await writer.wait_closed()


async def test_bytes_arrive_after_an_outage(echo_port: int) -> None:
    up, down = links(LinkOptions())
    async with TcpRelay(("127.0.0.1", echo_port), up, down) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        up.is_down = True
        writer.write(b"late")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        up.is_down = False
        assert await asyncio.wait_for(reader.readexactly(4), 5) == b"late"
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_closes_before_the_handshake_never_reaches_the_server() -> None:
    received: list[bytes] = []
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())
        writer.close()
        done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    up, down = links(LinkOptions())
    async with TcpRelay(server.sockets[0].getsockname()[:2], up, down) as relay:
        up.is_down = True
        for data in (b"gives up", b"waits"):
            _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(data)
            if data == b"gives up":
                writer.close()
                await writer.wait_closed()
        up.is_down = False
        writer.write_eof()
        await asyncio.wait_for(done.wait(), 10)
        assert received == [b"waits"]
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_reset_closes_connections_and_refuse_rejects_them(echo_port: int) -> None:
    async with TcpRelay(("127.0.0.1", echo_port), *links(LinkOptions())) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        relay.reset()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()
        port = relay.port
        await relay.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await relay.open()
        assert relay.port == port
        assert relay.connections == 1
