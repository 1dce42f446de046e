"""The interface of the sockets that ICE sends through, and helpers for their implementations.

A socket passes each datagram it receives to a plain function: no queue, no task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from livekit.webrtc.ice import Address

__all__ = ["SOCKET_BUFFER", "IceSocket", "ReceiveDatagram", "UnbatchedSocket", "host_and_port"]

SOCKET_BUFFER = 1 << 20
"""Bytes. A burst must not overflow the usual 208 KiB of the kernel while Python is busy."""

ReceiveDatagram = Callable[[bytes, "IceSocket", Address], None]
"""Called with each datagram, the socket that received it and its source address."""


class IceSocket(Protocol):
    """The base of a local candidate: a UDP socket, a TURN allocation or an ICE-TCP connection."""

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram. Errors are ignored: the datagram is lost."""
        ...

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        """Send several datagrams, in order."""
        ...

    @property
    def can_probe(self) -> bool:
        """True if `send_probe` sends with the Don't Fragment bit."""
        ...

    def send_probe(self, data: bytes, address: Address) -> bool:
        """Send one datagram that is not fragmented. Return False if it is over the MTU of the local interface."""
        ...

    def close(self) -> None:
        """Close the socket. May be called more than once."""
        ...

    async def wait_closed(self) -> None:
        """Wait until the socket is closed."""
        ...


class UnbatchedSocket:
    """Defaults for sockets on an asyncio transport, which offers neither batches nor socket options."""

    def send(self, data: bytes, address: Address) -> None:
        raise NotImplementedError

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        for datagram in datagrams:
            self.send(datagram, address)

    @property
    def can_probe(self) -> bool:
        return False

    def send_probe(self, data: bytes, address: Address) -> bool:
        self.send(data, address)
        return True


def host_and_port(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    """Return a socket name without IPv6 flow information and scope."""
    return name[0], name[1]
