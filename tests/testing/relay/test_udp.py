from __future__ import annotations

import asyncio
import random
import socket

from livekit.testing.netem import Link, LinkOptions
from livekit.testing.relay import UdpRelay
from livekit.testing.relay.datagram_link import DatagramLink


class Target:
    """A socket that is read by hand."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address: tuple[str, int] = self.socket.getsockname()

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        """The next datagram and where it comes from."""
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.socket, ready.set)
        try:
            await asyncio.wait_for(ready.wait(), 5)
        finally:
            loop.remove_reader(self.socket)
        return self.socket.recvfrom(2048)


async def test_every_client_has_a_port_of_its_own_until_the_address_changes() -> None:
    target, one, two = Target(), Target(), Target()
    link = LinkOptions(delay=0.01)
    ways = DatagramLink(Link(link, random.Random(1))), DatagramLink(Link(link, random.Random(2)))
    relay = UdpRelay(target.address, *ways)
    await relay.open()
    seen: list[tuple[str, int]] = []
    for client in (one, two, one):
        client.socket.sendto(b"ping", relay.address)
        data, source = await target.receive()
        assert data == b"ping"
        seen.append(source)
        target.socket.sendto(b"pong", source)
        assert await client.receive() == (b"pong", relay.address)
    assert seen[0] == seen[2] != seen[1]
    await relay.change_address()
    one.socket.sendto(b"again", relay.address)
    data, source = await target.receive()
    assert data == b"again"
    assert source not in seen
    relay.close()
    for way in ways:
        way.close()
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


async def test_what_is_on_its_way_when_a_link_is_closed_is_dropped() -> None:
    link = DatagramLink(Link(LinkOptions(delay=0.01), random.Random(1)))
    arrived: list[bytes] = []
    link.send(b"x", arrived.append)
    link.close()
    await asyncio.sleep(0.03)
    assert not arrived
