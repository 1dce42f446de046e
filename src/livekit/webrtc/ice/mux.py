"""Demultiplexing of the peers that share a port: by username fragment, then by address. No I/O, no clock.

A Binding request names the agent that it is for (RFC 8445 section 7.2.2); whatever else arrives from its address is for
the same agent.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from .stun import BINDING, Address, Attribute, MessageClass, StunError, parse_stun

__all__ = ["IceMux"]

MAX_UFRAGS = 2
"""Username fragments per peer: those of its agent's checklist, and of the previous one during an ICE restart."""
MAX_ADDRESSES = 128
"""Remote addresses per peer; the oldest is forgotten, and known again by the next Binding request from there."""

Peer = TypeVar("Peer")
Socket = TypeVar("Socket")


class IceMux(Generic[Peer, Socket]):
    """The peers behind a shared port, which may have several sockets. Peers and sockets are opaque here."""

    def __init__(self) -> None:
        self._by_ufrag: dict[str, Peer] = {}
        self._by_address: dict[Address, tuple[Peer, Socket]] = {}
        self._ufrags: dict[Peer, list[str]] = {}
        self._addresses: dict[Peer, dict[Address, None]] = {}

    def __len__(self) -> int:
        """Return the number of peers."""
        return len(self._ufrags)

    def accept(self, peer: Peer, ufrag: str) -> None:
        """Route requests with this local username fragment to `peer`."""
        ufrags = self._ufrags.setdefault(peer, [])
        if ufrag not in ufrags:
            ufrags.append(ufrag)
            self._by_ufrag[ufrag] = peer
        if len(ufrags) > MAX_UFRAGS:
            del self._by_ufrag[ufrags.pop(0)]

    def remove(self, peer: Peer) -> None:
        """Route nothing to `peer` any more."""
        for ufrag in self._ufrags.pop(peer, ()):
            del self._by_ufrag[ufrag]
        for address in self._addresses.pop(peer, ()):
            self._forget(peer, address)

    def requested_peer(self, data: bytes) -> Peer | None:
        """Return the peer that a Binding request names; None for any other packet."""
        try:
            message = parse_stun(data)
        except StunError:
            return None
        if message.method != BINDING or message.message_class is not MessageClass.REQUEST:
            return None
        ufrag = message.attributes.get(Attribute.USERNAME, b"").partition(b":")[0]
        return self._by_ufrag.get(ufrag.decode(errors="replace"))

    def addressee(self, data: bytes, address: Address, socket: Socket) -> Peer | None:
        """Return the peer that a packet from `address` on `socket` is for; None if there is none."""
        if data[:1] != b"\0":  # not a STUN request
            route = self._by_address.get(address)
            return None if route is None else route[0]
        peer = self.requested_peer(data)
        if peer is not None:
            self._learn(peer, address, socket)
        return peer

    def socket_for(self, address: Address) -> Socket | None:
        """Return the socket that `address` sent its last request to; None if it has sent none."""
        route = self._by_address.get(address)
        return None if route is None else route[1]

    def sent(self, peer: Peer, address: Address, socket: Socket) -> None:
        """Expect responses to `peer` from `address`, unless other packets from there have an addressee."""
        if address not in self._by_address and peer in self._ufrags:
            self._learn(peer, address, socket)

    def _learn(self, peer: Peer, address: Address, socket: Socket) -> None:
        self._by_address[address] = peer, socket
        addresses = self._addresses.setdefault(peer, {})
        addresses[address] = None
        if len(addresses) > MAX_ADDRESSES:
            oldest = next(iter(addresses))
            del addresses[oldest]
            self._forget(peer, oldest)

    def _forget(self, peer: Peer, address: Address) -> None:
        route = self._by_address.get(address)
        if route is not None and route[0] is peer:
            del self._by_address[address]
