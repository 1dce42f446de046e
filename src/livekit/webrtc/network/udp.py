"""UDP sockets, with segmentation offload (UDP GSO) and batched reads."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import cast

from livekit.webrtc.ice import Address

from .sockets import SOCKET_BUFFER, ReceiveDatagram, UnbatchedSocket, host_and_port

__all__ = ["TransportSocket", "UdpSocket", "bind_udp", "open_udp_socket", "receive_on"]

MAX_DATAGRAM = 16_384
"""Bytes: a DTLS record with the longest SCTP packet that the local side accepts."""
SHORT_DATAGRAM = 1_024
"""Bytes. A shorter datagram is likely the last of a burst, and to probe for another one costs a system call."""
PROBE_EVERY = 8
"""Wakeups after which the socket is probed regardless: short datagrams queue up too if the loop is busy."""
READ_BATCH = 32
"""Datagrams to read per wakeup before other callbacks of the loop run."""
READ_BYTES = 32 * 1024
"""Bytes to read per wakeup; about a hundred calls."""
MTU_DISCOVER = {socket.AF_INET: (socket.IPPROTO_IP, 10), socket.AF_INET6: (socket.IPPROTO_IPV6, 23)}
"""Level and option of Linux's IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, which the `socket` module lacks."""
PMTUDISC_DONT = 0
"""The host fragments, and routers may fragment: the Don't Fragment bit is clear."""
PMTUDISC_PROBE = 3
"""The Don't Fragment bit is set, whatever path MTU the kernel assumes."""

UDP_SEGMENT = (17, 103)
"""Level and option of Linux's UDP GSO: one system call sends many datagrams of one size, for 1 µs each instead of 6."""
MAX_GSO_SEGMENTS = 64
MAX_GSO_BYTES = 65_000
GSO_UNSUPPORTED = frozenset({errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP})
"""Errors of a kernel or network device without UDP GSO."""


class UdpSocket:
    """A UDP socket read with `add_reader` instead of asyncio's transport, which reads one datagram per loop iteration.

    Batched reads let one flush answer a whole burst: a 64 KiB round trip over loopback takes 3.1 ms instead of 14 ms,
    and asyncio's own loop performs as well as uvloop.
    """

    def __init__(self, receive: ReceiveDatagram, udp_socket: socket.socket) -> None:
        """Raises NotImplementedError on event loops without `add_reader`."""
        self._receive = receive
        self._socket = udp_socket
        self._gso_enabled = self.can_probe = sys.platform == "linux"
        if self.can_probe:
            self._set_mtu_discovery(PMTUDISC_DONT)
        self._loop = asyncio.get_running_loop()
        self._wakeups = 0
        self._has_backlog = False  # the last probe found more than one datagram
        self.local_address = host_and_port(udp_socket.getsockname())
        self._loop.add_reader(udp_socket, self._readable)

    def _readable(self) -> None:
        receive_from, receive = self._socket.recvfrom, self._receive
        self._wakeups += 1
        probes = self._has_backlog or self._wakeups % PROBE_EVERY == 0
        count = size = 0
        try:
            while count < READ_BATCH and size < READ_BYTES:
                data, address = receive_from(MAX_DATAGRAM)
                receive(data, self, address if len(address) == 2 else address[:2])
                count += 1
                size += len(data)
                if not probes and len(data) < SHORT_DATAGRAM:
                    return
        except OSError:
            """The socket is empty, or an earlier datagram met an ICMP error: retransmission and consent handle that."""
        self._has_backlog = count > 1

    def send(self, data: bytes, address: Address) -> None:
        try:
            self._socket.sendto(data, address)
        except OSError:
            """A full send buffer or an unreachable host loses the datagram."""

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        for segments in gso_batches(datagrams):
            if len(segments) == 1 or not self._send_segments(segments, address):
                for datagram in segments:
                    self.send(datagram, address)

    def _send_segments(self, segments: Sequence[bytes], address: Address) -> bool:
        """Send datagrams of one size with one system call. Return False if they must be sent one by one.

        That is the case if UDP GSO is unsupported, or if they are over the MTU: segments cannot be fragmented.
        """
        if self._gso_enabled:
            try:
                self._socket.sendmsg(segments, [(*UDP_SEGMENT, struct.pack("@H", len(segments[0])))], 0, address)
            except OSError as error:
                self._gso_enabled = error.errno not in GSO_UNSUPPORTED  # other errors lose the datagrams, as in `send`
                return self._gso_enabled and error.errno != errno.EMSGSIZE
        return self._gso_enabled

    def send_probe(self, data: bytes, address: Address) -> bool:
        if not self.can_probe:
            self.send(data, address)
            return True
        try:
            self._set_mtu_discovery(PMTUDISC_PROBE)
            self._socket.sendto(data, address)
        except OSError as error:
            return error.errno != errno.EMSGSIZE
        finally:
            self._set_mtu_discovery(PMTUDISC_DONT)
        return True

    def _set_mtu_discovery(self, mode: int) -> None:
        with contextlib.suppress(OSError):  # closed
            self._socket.setsockopt(*MTU_DISCOVER[self._socket.family], mode)

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    async def wait_closed(self) -> None:
        """Return at once: `close` is synchronous."""


class TransportSocket(asyncio.DatagramProtocol, UnbatchedSocket):
    """A datagram transport of asyncio: a TURN allocation, or a UDP socket on event loops without `add_reader`."""

    def __init__(self, receive: ReceiveDatagram) -> None:
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
        """Ignore ICMP errors; consent and retransmission handle them."""

    @property
    def local_address(self) -> Address:
        assert self._transport is not None
        return host_and_port(self._transport.get_extra_info("sockname"))

    def send(self, data: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def wait_closed(self) -> None:
        await self._closed


def gso_batches(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Split datagrams into runs that UDP GSO can send at once: of equal length, only the last may be shorter."""
    start = 0
    while start < len(datagrams):
        length = len(datagrams[start])
        limit = start + max(1, min(MAX_GSO_SEGMENTS, MAX_GSO_BYTES // max(length, 1)))
        end = start + 1
        while end < min(len(datagrams), limit) and 0 < len(datagrams[end]) <= length == len(datagrams[end - 1]):
            end += 1
        yield datagrams[start:end]
        start = end


async def open_udp_socket(receive: ReceiveDatagram, host: str) -> UdpSocket | TransportSocket:
    """Open a UDP socket on a free port of the address `host`.

    Raises:
        OSError: the address is not available.
    """
    return await receive_on(bind_udp(host, 0), receive)


def bind_udp(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address `host`; `port` 0 selects a free port. Raises OSError."""
    udp_socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp_socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            udp_socket.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        udp_socket.bind((host, port))
    except BaseException:
        udp_socket.close()
        raise
    return udp_socket


async def receive_on(udp_socket: socket.socket, receive: ReceiveDatagram) -> UdpSocket | TransportSocket:
    """Pass the datagrams of a bound socket to `receive`; the socket is closed if that fails. Raises OSError."""
    try:
        try:
            return UdpSocket(receive, udp_socket)
        except NotImplementedError:
            loop = asyncio.get_running_loop()
            _, transport_socket = await loop.create_datagram_endpoint(lambda: TransportSocket(receive), sock=udp_socket)
            return transport_socket
    except BaseException:
        udp_socket.close()
        raise
