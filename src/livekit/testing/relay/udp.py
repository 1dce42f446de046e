"""Relaying datagrams over impaired links."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from .datagram_link import DatagramLink

__all__ = ["UdpRelay"]

Address = tuple[str, int]


class UdpRelay:
    """Takes datagrams at `address` and relays them to `target`, for each client from a socket of its own, and back."""

    def __init__(self, target: Address, up: DatagramLink, down: DatagramLink) -> None:
        """`up` is the way to `target`, `down` the way back."""
        self.address: Address = ("", 0)
        """Where it listens, once opened: on the address of this machine that reaches the target."""
        self._target = target
        self._up = up
        self._down = down
        self._front: asyncio.DatagramTransport | None = None
        self._flows: dict[Address, _Flow] = {}
        self._opening: set[asyncio.Task[None]] = set()

    async def open(self) -> Address:
        """Listen; returns the address. Raises OSError."""
        with socket.socket(_family(self._target), socket.SOCK_DGRAM) as probe:
            probe.connect(self._target)
            host = probe.getsockname()[0]
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(lambda: _Front(self), local_addr=(host, 0))
        self.address = self._front.get_extra_info("sockname")[:2]
        return self.address

    async def change_address(self) -> None:
        """From now on the target sees every client at a new port, as after a change of networks or of a NAT's mind;
        what it sends to the old one is lost."""
        await asyncio.gather(*(flow.connect(self._target) for flow in self._flows.values()))

    def close(self) -> None:
        if self._front is not None:
            self._front.close()
        for task in self._opening:
            task.cancel()
        for flow in self._flows.values():
            flow.close()

    def take(self, data: bytes, client: Address) -> None:
        """A datagram of a client."""
        flow = self._flows.get(client)
        if flow is None:
            flow = self._flows[client] = _Flow(self, client)
            task = asyncio.ensure_future(flow.connect(self._target))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        self._up.send(data, flow.forward)

    def answer(self, data: bytes, client: Address) -> None:
        """A datagram for a client."""
        front = self._front
        if front is not None:
            self._down.send(data, lambda data: None if front.is_closing() else front.sendto(data, client))


class _Front(asyncio.DatagramProtocol):
    """The clients' side."""

    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._relay.take(data, addr[:2])

    def error_received(self, exc: Exception) -> None:
        """A client is gone; the target will notice."""


class _Flow(asyncio.DatagramProtocol):
    """One client as the target sees it."""

    def __init__(self, relay: UdpRelay, client: Address) -> None:
        self._relay = relay
        self._client = client
        self._transport: asyncio.DatagramTransport | None = None
        self._early: list[bytes] = []

    async def connect(self, target: Address) -> None:
        """Have a new socket."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=target)
            self.close()
            self._transport = transport
            early, self._early = self._early, []
            for data in early:
                self.forward(data)

    def forward(self, data: bytes) -> None:
        """What arrived at this end of the link goes on to the target."""
        if self._transport is None:
            self._early.append(data)
        elif not self._transport.is_closing():
            self._transport.sendto(data)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._relay.answer(data, self._client)

    def error_received(self, exc: Exception) -> None:
        """The target is gone; the client will notice."""

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET
