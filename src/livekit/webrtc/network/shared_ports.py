"""Fixed ports that all peer connections of a server share: UDP, and passive ICE-TCP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from livekit._util.loopback import is_loopback
from livekit.webrtc.ice import Address
from livekit.webrtc.ice.mux import IceMux

from .host_addresses import host_addresses
from .listening import bind_all, bind_tcp
from .sockets import IceSocket, ReceiveDatagram, UnbatchedSocket
from .tcp import TcpSocket
from .tcp_listener import TcpListener
from .udp import TransportSocket, UdpSocket, bind_udp, receive_on

__all__ = ["PortUser", "SharedPorts", "SharedUdpSocket"]

LOOPBACK = ("127.0.0.1", "::1")

HostSocket = UdpSocket | TransportSocket


class SharedPorts:
    """A UDP port, a TCP port or both; a peer uses them as a `PortUser`.

    Sockets are bound to each address of this host, not to a wildcard address, so that a response comes from the address
    that the request was sent to; also to loopback addresses, which relays in user space send to.
    """

    def __init__(self) -> None:
        self.udp_port: int | None = None
        """None before `open_udp`: peers use UDP ports of their own."""
        self.tcp_port: int | None = None
        """None before `open_tcp`: peers have no passive TCP candidates."""
        self._mux: IceMux[PortUser, HostSocket] = IceMux()
        self._udp_sockets: dict[str, HostSocket] = {}
        self._listener: TcpListener | None = None

    async def open_udp(self, port: int) -> None:
        """Open the UDP port; 0 selects a free one. Raises OSError; call `aclose` nevertheless."""
        bound = bind_all(_hosts(), port, bind_udp)
        try:
            for one in bound:
                udp_socket = await receive_on(one, self._receive)
                self._udp_sockets[udp_socket.local_address[0]] = udp_socket
        except BaseException:
            for one in bound[len(self._udp_sockets) :]:
                one.close()
            raise
        self.udp_port = int(bound[0].getsockname()[1])

    async def open_tcp(self, port: int) -> None:
        """Open the TCP port; 0 selects a free one. Raises OSError; call `aclose` nevertheless."""
        sockets = bind_tcp(_hosts(), port)
        self._listener = TcpListener(self._claim)
        await self._listener.listen(sockets)
        self.tcp_port = int(sockets[0].getsockname()[1])

    def attach(self, receive: ReceiveDatagram, adopt: Callable[[TcpSocket], bool]) -> PortUser:
        """Return a peer's share: its UDP packets go to `receive`, its ICE-TCP connections to `adopt`.

        `adopt` sets the callbacks of a connection and returns True, or returns False to refuse it.
        """
        return PortUser(self, receive, adopt)

    def accept(self, user: PortUser, ufrag: str) -> None:
        """Route packets with the local username fragment `ufrag` to `user`."""
        self._mux.accept(user, ufrag)

    def detach(self, user: PortUser) -> None:
        """Route nothing to `user` any more."""
        self._mux.remove(user)

    def socket_for(self, user: PortUser, address: Address) -> HostSocket | None:
        """Return the socket to send a packet of `user` to `address` from; None if there is none of that family."""
        udp_socket = self._mux.socket_for(address)
        if udp_socket is None:
            udp_socket = self._default_socket(address)
            if udp_socket is not None:
                self._mux.sent(user, address, udp_socket)
        return udp_socket

    async def aclose(self) -> None:
        """Close the ports; safe to call twice. Close the peers first."""
        for udp_socket in self._udp_sockets.values():
            udp_socket.close()
        self._udp_sockets.clear()
        if self._listener is not None:
            await self._listener.aclose()

    def _default_socket(self, address: Address) -> HostSocket | None:
        sockets = [one for host, one in self._udp_sockets.items() if (":" in host) == (":" in address[0])]
        if not sockets:
            return None
        # Loopback addresses come last: they reach this host only.
        return sockets[-1] if is_loopback(address[0]) else sockets[0]

    def _receive(self, data: bytes, udp_socket: IceSocket, address: Address) -> None:
        user = self._mux.addressee(data, address, cast(HostSocket, udp_socket))
        if user is not None:
            user.receive_datagram(data, address)

    def _claim(self, data: bytes, connection: TcpSocket) -> bool:
        user = self._mux.requested_peer(data)
        return user is not None and user.adopt(connection)


class PortUser:
    """One peer's share of the ports."""

    def __init__(self, ports: SharedPorts, receive: ReceiveDatagram, adopt: Callable[[TcpSocket], bool]) -> None:
        self.adopt = adopt
        self._ports = ports
        self.sockets = {family: SharedUdpSocket(self) for family in (4, 6)}
        """The sockets of local UDP candidates, by IP version."""
        self._receive = receive

    @property
    def udp_port(self) -> int | None:
        return self._ports.udp_port

    @property
    def tcp_port(self) -> int | None:
        return self._ports.tcp_port

    def accept(self, ufrag: str) -> None:
        """Receive what is sent to the agent with this username fragment, from now on."""
        self._ports.accept(self, ufrag)

    def socket_for(self, address: Address) -> HostSocket | None:
        """Return the socket to send to `address` from; None if there is none of that family."""
        return self._ports.socket_for(self, address)

    def receive_datagram(self, data: bytes, address: Address) -> None:
        self._receive(data, self.sockets[6 if ":" in address[0] else 4], address)

    def close(self) -> None:
        """Receive nothing any more; the connections are closed by the peer."""
        self._ports.detach(self)


class SharedUdpSocket(UnbatchedSocket):
    """The socket of one peer's UDP candidate on the shared port."""

    def __init__(self, user: PortUser) -> None:
        self._user = user

    def send(self, data: bytes, address: Address) -> None:
        udp_socket = self._user.socket_for(address)
        if udp_socket is not None:
            udp_socket.send(data, address)

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        udp_socket = self._user.socket_for(address)
        if udp_socket is not None:
            udp_socket.send_batch(datagrams, address)

    def send_probe(self, data: bytes, address: Address) -> bool:
        udp_socket = self._user.socket_for(address)
        return udp_socket is None or udp_socket.send_probe(data, address)

    def close(self) -> None:
        """Return at once: the port stays open for other peers."""

    async def wait_closed(self) -> None:
        """Return at once."""


def _hosts() -> list[str]:
    return list(dict.fromkeys((*host_addresses(), *LOOPBACK)))
