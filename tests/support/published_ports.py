"""Relays in user space that stand for the published ports of a container."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import cast

from livekit.server import DevServer
from tests.support.streams import forward

PUBLISHED = "127.0.0.2"
"""The address of the container's host. The server listens on the same ports of 127.0.0.1, the container."""
CONTAINER = "127.0.0.1"


@dataclass
class Carried:
    """Numbers of packets and connections that the relays have forwarded to the server."""

    datagrams: int = 0
    connections: int = 0
    sources: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    def cut(self) -> None:
        """Reset every TCP connection."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


class _Back(asyncio.DatagramProtocol):
    """Sends the server's datagrams back to one client."""

    def __init__(self, published: asyncio.DatagramTransport, client: tuple[str, int]) -> None:
        self._published = published
        self._client = client

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._published.sendto(data, self._client)


class _Published(asyncio.DatagramProtocol):
    def __init__(self, port: int, carried: Carried) -> None:
        self._port = port
        self._carried = carried
        self._forward: dict[tuple[str, int], asyncio.DatagramTransport] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._carried.datagrams += 1
        self._carried.sources.add(addr)
        if addr in self._forward:
            self._forward[addr].sendto(data)
            return
        task = asyncio.get_running_loop().create_task(self._open(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, data: bytes, client: tuple[str, int]) -> None:
        forward, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Back(self._transport, client), remote_addr=(CONTAINER, self._port)
        )
        if client in self._forward:
            forward.close()
        self._forward.setdefault(client, forward).sendto(data)

    async def aclose(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in (self._transport, *self._forward.values()):
            transport.close()


@contextlib.asynccontextmanager
async def published(server: DevServer) -> AsyncGenerator[Carried]:
    """Publish the WebRTC ports of a server with the node IP `PUBLISHED`."""
    carried = Carried()
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        if server.udp_port is not None:
            port = server.udp_port
            _, udp = await loop.create_datagram_endpoint(
                lambda: _Published(port, carried), local_addr=(PUBLISHED, port)
            )
            stack.push_async_callback(udp.aclose)
        if server.tcp_port is not None:
            tcp = await asyncio.start_server(
                lambda reader, writer: _relay(reader, writer, server, carried), PUBLISHED, server.tcp_port
            )
            stack.callback(tcp.close)
        yield carried


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: DevServer, carried: Carried
) -> None:
    carried.connections += 1
    carried.writers.append(writer)
    await forward((reader, writer), await asyncio.open_connection(CONTAINER, server.tcp_port))
