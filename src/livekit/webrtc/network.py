"""Sockets below ICE: local addresses, UDP, TCP (RFC 6544, RFC 4571), server-reflexive and relayed candidates.

A path is something ICE can send through. It hands what it receives to a plain function: no queue, no task.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import re
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import ifaddr

from .ice import Address, Candidate
from .ice.stun import Kind, StunError, StunMessage, parse_stun
from .interfaces import IceServerSettings

__all__ = ["Gatherer", "Path", "SocketPath", "TcpPath", "UdpPath", "host_addresses", "open_tcp_path", "open_udp_path"]

logger = logging.getLogger("livekit.webrtc")

SOCKET_BUFFER = 1 << 20
"""Bytes asked for; a burst must not overrun the usual 208 KiB while Python is busy."""
MAX_HOST_ADDRESSES = 16
GATHER_TIMEOUT = 5.0
"""Seconds for the answers of STUN and TURN servers."""
STUN_RETRY = 0.5
TCP_TIMEOUT = 5.0
MAX_FRAME = 65_535
MAX_DATAGRAM = 16_384
"""One DTLS record of the longest SCTP packet that we take."""
FULL_DATAGRAM = 1_024
"""Bytes from which on a datagram may be one of many: a shorter one is likely the last of what its sender had to send,
and to find out costs a system call."""
LOOK_EVERY = 8
"""Turns after which that is found out all the same: where turns are rare short datagrams queue up, too."""
READ_BATCH = 32
"""Datagrams that are read before others get their turn on the loop."""
READ_BYTES = 32 * 1024
"""The same in bytes: some hundred calls."""
MTU_DISCOVER = {
    socket.AF_INET: (socket.IPPROTO_IP, 10, 3, 0),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 23, 3, 0),
}
"""IP_MTU_DISCOVER of Linux: level, option, IP_PMTUDISC_PROBE (never fragment) and IP_PMTUDISC_DONT; not in `socket`."""

UDP_SEGMENT = (17, 103)
"""Level and option of Linux by which one system call sends many datagrams of one size: 1 µs each instead of 6."""
MAX_SEGMENTS = 64
MAX_TRAIN = 65_000
"""Bytes of the datagrams that one call sends."""
SEGMENTS_REFUSED = frozenset({errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP})
"""What a kernel says that cannot do it, for this device or at all."""

Receive = Callable[[bytes, "Path", Address], None]


class Path(Protocol):
    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram; one that cannot be sent is lost, as datagrams are."""
        ...

    def send_all(self, datagrams: Sequence[bytes], address: Address) -> None:
        """Send several, in order."""
        ...

    def keep_whole(self, whole: bool) -> bool:
        """Have datagrams that are too long for the way be lost, and not cut to pieces. False: that cannot be had."""
        ...

    def close(self) -> None: ...

    async def wait_closed(self) -> None: ...


class SocketPath:
    """A UDP socket read without asyncio's transport, which reads one datagram per tick.

    Reading many at once lets one flush answer a whole burst: 64 KiB there and back over loopback take 3.1 ms
    instead of 14 ms, and asyncio's own loop does as well as uvloop.
    """

    def __init__(self, receive: Receive, udp_socket: socket.socket) -> None:
        """Raises NotImplementedError on loops without `add_reader`."""
        self._receive = receive
        self._socket = udp_socket
        self._sends_trains = sys.platform == "linux"
        self._loop = asyncio.get_running_loop()
        self._turns = 0
        self._is_crowded = False  # the last look found more than one datagram
        self.local_address = _host_and_port(udp_socket.getsockname())
        self._loop.add_reader(udp_socket, self._readable)

    def _readable(self) -> None:
        receive_from, receive = self._socket.recvfrom, self._receive
        self._turns += 1
        looks = self._is_crowded or self._turns % LOOK_EVERY == 0
        count = size = 0
        try:
            while count < READ_BATCH and size < READ_BYTES:
                data, address = receive_from(MAX_DATAGRAM)
                receive(data, self, address if len(address) == 2 else address[:2])
                count += 1
                size += len(data)
                if not looks and len(data) < FULL_DATAGRAM:
                    return
        except OSError:
            """There is no more, or an earlier datagram met an ICMP error: retransmission and consent take care."""
        self._is_crowded = count > 1

    def send(self, data: bytes, address: Address) -> None:
        try:
            self._socket.sendto(data, address)
        except OSError:
            """Full buffers and unreachable hosts lose datagrams."""

    def send_all(self, datagrams: Sequence[bytes], address: Address) -> None:
        for train in trains(datagrams):
            if len(train) == 1 or not self._send_train(train, address):
                for datagram in train:
                    self.send(datagram, address)

    def _send_train(self, train: Sequence[bytes], address: Address) -> bool:
        """Send datagrams of one size in one call; False if the kernel does not do that."""
        if self._sends_trains:
            try:
                self._socket.sendmsg(train, [(*UDP_SEGMENT, struct.pack("@H", len(train[0])))], 0, address)
            except OSError as error:
                self._sends_trains = error.errno not in SEGMENTS_REFUSED  # other errors lose them, as in `send`
        return self._sends_trains

    def keep_whole(self, whole: bool) -> bool:
        if sys.platform != "linux":
            return False
        level, option, never, always = MTU_DISCOVER[self._socket.family]
        try:
            self._socket.setsockopt(level, option, never if whole else always)
        except OSError:
            return False
        return True

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    async def wait_closed(self) -> None:
        """It is closed at once."""


class _PlainPath:
    """What a path over a transport of asyncio leaves out."""

    def send(self, data: bytes, address: Address) -> None:
        raise NotImplementedError

    def send_all(self, datagrams: Sequence[bytes], address: Address) -> None:
        for datagram in datagrams:
            self.send(datagram, address)

    def keep_whole(self, whole: bool) -> bool:
        return False


class UdpPath(asyncio.DatagramProtocol, _PlainPath):
    """A TURN allocation, which looks like a datagram transport; a UDP socket on loops without `add_reader`."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._closed.done():
            self._closed.set_result(None)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._receive(data, self, addr if len(addr) == 2 else addr[:2])

    def error_received(self, exc: Exception) -> None:
        """ICMP errors; consent and retransmission take care of them."""

    @property
    def local_address(self) -> Address:
        assert self._transport is not None
        return _host_and_port(self._transport.get_extra_info("sockname"))

    def send(self, data: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def wait_closed(self) -> None:
        await self._closed


class TcpPath(asyncio.Protocol, _PlainPath):
    """An active ICE-TCP connection; packets are framed by their length (RFC 4571)."""

    def __init__(self, receive: Receive, remote: Address, lost: Callable[[TcpPath], None]) -> None:
        self._receive = receive
        self._remote = remote
        self._lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._closed.done():
            self._closed.set_result(None)
            self._lost(self)

    @property
    def local_address(self) -> Address:
        assert self._transport is not None
        return _host_and_port(self._transport.get_extra_info("sockname"))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= 2:
            end = start + 2 + (buffer[start] << 8 | buffer[start + 1])
            if end > len(buffer):
                break
            self._receive(bytes(buffer[start + 2 : end]), self, self._remote)
            start = end
        del buffer[:start]

    def send(self, data: bytes, address: Address) -> None:
        transport = self._transport
        # As a full queue would on the way: better lost than late.
        if transport is not None and len(data) <= MAX_FRAME and transport.get_write_buffer_size() < SOCKET_BUFFER:
            transport.write(len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def wait_closed(self) -> None:
        """Wait until what was sent is out; a cancellation gives that up."""
        try:
            await asyncio.shield(self._closed)
        except asyncio.CancelledError:
            if self._transport is not None:
                self._transport.abort()
            raise


def trains(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Neighbours that UDP_SEGMENT can send at once: of one length, of which only the last may be shorter."""
    start = 0
    while start < len(datagrams):
        length = len(datagrams[start])
        most = start + max(1, min(MAX_SEGMENTS, MAX_TRAIN // max(length, 1)))
        end = start + 1
        while end < min(len(datagrams), most) and 0 < len(datagrams[end]) <= length == len(datagrams[end - 1]):
            end += 1
        yield datagrams[start:end]
        start = end


def host_addresses() -> list[str]:
    """The addresses of this host: IPv4 and global IPv6; the loopback one only where there is no other."""
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if not (address.is_loopback or address.is_link_local or address.is_multicast):
                found.append(str(address))
    found.sort(key=lambda address: ":" in address)
    return found[:MAX_HOST_ADDRESSES] or ["127.0.0.1"]


def _host_and_port(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    return name[0], name[1]


async def open_udp_path(receive: Receive, host: str) -> SocketPath | UdpPath:
    """A path on a free port of this address. Raises OSError."""
    udp_socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp_socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            udp_socket.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        udp_socket.bind((host, 0))
        try:
            return SocketPath(receive, udp_socket)
        except NotImplementedError:
            loop = asyncio.get_running_loop()
            _, path = await loop.create_datagram_endpoint(lambda: UdpPath(receive), sock=udp_socket)
            return path
    except BaseException:
        udp_socket.close()
        raise


async def open_tcp_path(receive: Receive, remote: Address, lost: Callable[[TcpPath], None]) -> TcpPath:
    """Connect to a passive TCP candidate. Raises OSError, asyncio.TimeoutError."""
    loop = asyncio.get_running_loop()
    connecting = loop.create_connection(lambda: TcpPath(receive, remote, lost), *remote)
    transport, path = await asyncio.wait_for(connecting, TCP_TIMEOUT)
    tcp_socket: socket.socket | None = transport.get_extra_info("socket")
    if tcp_socket is not None:
        tcp_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return path


@dataclass(frozen=True, kw_only=True, slots=True)
class IceServer:
    """One URL of RFC 7064 or RFC 7065."""

    scheme: str
    host: str
    port: int
    transport: str
    username: str = ""
    credential: str = ""

    @classmethod
    def parse(cls, url: str, settings: IceServerSettings) -> IceServer | None:
        """None for a URL that is neither."""
        match = re.fullmatch(r"(stuns?|turns?):(\[[0-9a-fA-F:.]+\]|[^:?]+)(?::(\d{1,5}))?(?:\?transport=(\w+))?", url)
        if match is None:
            return None
        scheme, host, port, transport = match.groups()
        secure = scheme.endswith("s")
        return cls(
            scheme=scheme,
            host=host.strip("[]"),
            port=int(port or (5349 if secure else 3478)),
            transport=transport or ("tcp" if secure else "udp"),
            username=settings.username,
            credential=settings.credential,
        )


class Gatherer:
    """Server-reflexive and relayed candidates; `found` is called with each candidate and, if it has one, its path."""

    def __init__(self, receive: Receive, found: Callable[[Candidate, Path | None], None]) -> None:
        self._receive = receive
        self._found = found
        self._pending: dict[bytes, asyncio.Future[Address]] = {}

    async def run(
        self, settings: Sequence[IceServerSettings], hosts: Sequence[SocketPath | UdpPath], *, relay_only: bool
    ) -> None:
        """Ask every server and wait, at most GATHER_TIMEOUT."""
        parsed = [IceServer.parse(url, one) for one in settings for url in one.urls]
        servers = [server for server in parsed if server is not None]
        jobs: list[Awaitable[None]] = [self._relayed(s, relay_only) for s in servers if s.scheme in ("turn", "turns")]
        if not relay_only:
            stun = [server for server in servers if server.scheme == "stun"]
            jobs += [self._server_reflexive(server, path) for server in stun for path in hosts]
        results = await asyncio.gather(*(asyncio.wait_for(job, GATHER_TIMEOUT) for job in jobs), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                logger.debug("no candidate from an ICE server: %r", result)

    def take(self, data: bytes) -> bool:
        """Whether this STUN packet is the answer of a STUN server."""
        future = self._pending.get(data[8:20])
        if future is None or future.done():
            return False
        with contextlib.suppress(StunError):
            message = parse_stun(data)
            if message.kind is Kind.SUCCESS and message.mapped_address is not None:
                future.set_result(message.mapped_address)
        return True

    async def _server_reflexive(self, server: IceServer, path: SocketPath | UdpPath) -> None:
        loop = asyncio.get_running_loop()
        base = path.local_address
        family = socket.AF_INET6 if ":" in base[0] else socket.AF_INET
        infos = await loop.getaddrinfo(server.host, server.port, family=family, type=socket.SOCK_DGRAM)
        host, port = cast(Address, infos[0][4][:2])
        request = StunMessage(Kind.REQUEST)
        answer = self._pending[request.transaction_id] = loop.create_future()
        try:
            while not answer.done():
                path.send(request.encode(), (host, port))
                await asyncio.wait({answer}, timeout=STUN_RETRY)
        finally:
            del self._pending[request.transaction_id]
        mapped = answer.result()
        if mapped != base:
            self._found(Candidate.local("srflx", mapped, preference=65_535, related=base), None)

    async def _relayed(self, server: IceServer, relay_only: bool) -> None:
        # aioice brings a DNS resolver along; only who uses TURN pays for the import.
        from aioice.turn import create_turn_endpoint

        transport, path = await create_turn_endpoint(
            lambda: UdpPath(self._receive),
            server_addr=(server.host, server.port),
            username=server.username,
            password=server.credential,
            ssl=server.scheme == "turns",
            transport=server.transport,
        )
        address: Address = path.local_address
        hidden = ("::", 9) if ":" in address[0] else ("0.0.0.0", 9)
        # RFC 8829 section 3.5.3: who wants relays only does not show its own address.
        related: Address = hidden if relay_only else transport.get_extra_info("related_address")
        preference = 65_535 if server.transport == "udp" else 32_767
        self._found(Candidate.local("relay", address, preference=preference, related=related), path)
