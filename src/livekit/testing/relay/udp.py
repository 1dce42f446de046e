"""A relay of datagrams over impaired links."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from livekit._util.aio import start_task

from .datagram_link import DatagramLink

__all__ = ["UdpRelay"]

Address = tuple[str, int]


class UdpRelay:
    """Relays datagrams between clients at `address` and `target`, with one socket per client like a NAT."""

    def __init__(self, target: Address, up: DatagramLink, down: DatagramLink) -> None:
        """Create a relay; `up` is the link to `target`, `down` the link back."""
        self.address: Address = ("", 0)
        """The listening address, once opened: the local address that routes to the target."""
        self._target = target
        self._up = up
        self._down = down
        self._client_socket: asyncio.DatagramTransport | None = None
        self._flows: dict[Address, _Flow] = {}
        self._opening: set[asyncio.Task[None]] = set()

    async def open(self) -> Address:
        """Start listening and return the address. Raises OSError."""
        with socket.socket(_family(self._target), socket.SOCK_DGRAM) as probe:
            probe.connect(self._target)
            host = probe.getsockname()[0]
        loop = asyncio.get_running_loop()
        self._client_socket, _ = await loop.create_datagram_endpoint(lambda: _ClientSocket(self), local_addr=(host, 0))
        self.address = self._client_socket.get_extra_info("sockname")[:2]
        return self.address

    async def change_address(self) -> None:
        """Give every client a new port towards the target, as a network change or a NAT rebinding does; datagrams sent
        to the old port are lost."""
        await asyncio.gather(*(flow.connect(self._target) for flow in self._flows.values()))

    async def aclose(self) -> None:
        """Close all sockets."""
        if self._client_socket is not None:
            self._client_socket.close()
        for flow in self._flows.values():
            flow.close()
        await asyncio.gather(*self._opening, return_exceptions=True)
        await asyncio.sleep(0)  # transports close their sockets in the next iteration

    def take(self, data: bytes, client: Address) -> None:
        """Relay a datagram from a client."""
        flow = self._flows.get(client)
        if flow is None:
            flow = self._flows[client] = _Flow(self, client)
            task = start_task(flow.connect(self._target))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        self._up.send(data, flow.forward)

    def answer(self, data: bytes, client: Address) -> None:
        """Relay a datagram to a client."""
        socket_ = self._client_socket
        if socket_ is not None:
            self._down.send(data, lambda data: None if socket_.is_closing() else socket_.sendto(data, client))


class _ClientSocket(asyncio.DatagramProtocol):
    """The socket that faces the clients."""

    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._relay.take(data, addr[:2])

    def error_received(self, exc: Exception) -> None:
        """Ignore ICMP errors: the target's own timeouts detect a lost client."""


class _Flow(asyncio.DatagramProtocol):
    """The socket that stands for one client towards the target."""

    def __init__(self, relay: UdpRelay, client: Address) -> None:
        self._relay = relay
        self._client = client
        self._transport: asyncio.DatagramTransport | None = None
        self._early: list[bytes] = []
        self._closed = False

    async def connect(self, target: Address) -> None:
        """Open a new socket towards the target, replacing the previous one."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=target)
            if self._transport is not None:
                self._transport.close()
            self._transport = transport
            if self._closed:
                transport.close()
            early, self._early = self._early, []
            for data in early:
                self.forward(data)

    def forward(self, data: bytes) -> None:
        """Forward a datagram to the target; queue it while the socket opens."""
        if self._transport is None:
            self._early.append(data)
        elif not self._transport.is_closing():
            self._transport.sendto(data)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._relay.answer(data, self._client)

    def error_received(self, exc: Exception) -> None:
        """Ignore ICMP errors: the client's own timeouts detect a lost target."""

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET
