from __future__ import annotations

import asyncio
import random
import socket

from livekit.testing.netem import Link, LinkOptions
from livekit.testing.relay import UdpRelay
from livekit.testing.relay.datagram_link import DatagramLink


class UdpSocket:
    """A UDP socket on which tests await single datagrams."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address: tuple[str, int] = self.socket.getsockname()

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        """Return the next datagram and its source address."""
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.socket, ready.set)
        try:
            await asyncio.wait_for(ready.wait(), 5)
        finally:
            loop.remove_reader(self.socket)
        return self.socket.recvfrom(2048)


async def test_each_client_has_its_own_port_until_the_address_changes() -> None:
    target, one, two = UdpSocket(), UdpSocket(), UdpSocket()
    options = LinkOptions(delay=0.01)
    links = DatagramLink(Link(options, random.Random(1))), DatagramLink(Link(options, random.Random(2)))
    relay = UdpRelay(target.address, *links)
    await relay.open()
    sources: list[tuple[str, int]] = []
    for client in (one, two, one):
        client.socket.sendto(b"ping", relay.address)
        data, source = await target.receive()
        assert data == b"ping"
        sources.append(source)
        target.socket.sendto(b"pong", source)
        assert await client.receive() == (b"pong", relay.address)
    assert sources[0] == sources[2] != sources[1]
    await relay.change_address()
    one.socket.sendto(b"again", relay.address)
    data, source = await target.receive()
    assert data == b"again"
    assert source not in sources
    await relay.aclose()
    for link in links:
        link.close()
    for end in (target, one, two):
        end.socket.close()


async def test_datagrams_arrive_in_order_after_their_delay() -> None:
    link = DatagramLink(Link(LinkOptions(delay=0.05), random.Random(1)))
    arrived: list[bytes] = []
    done = asyncio.Event()

    def deliver(data: bytes) -> None:
        arrived.append(data)
        if len(arrived) == 100:
            done.set()

    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(100):
        link.send(bytes([number]), deliver)
    await asyncio.wait_for(done.wait(), 5)
    assert loop.time() - started >= 0.05
    assert arrived == [bytes([number]) for number in range(100)]


async def test_closing_a_link_drops_datagrams_in_flight() -> None:
    link = DatagramLink(Link(LinkOptions(delay=0.01), random.Random(1)))
    arrived: list[bytes] = []
    link.send(b"x", arrived.append)
    link.close()
    await asyncio.sleep(0.03)
    assert not arrived
