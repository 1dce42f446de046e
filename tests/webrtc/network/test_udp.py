"""UDP sockets on loopback."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys

import pytest

from livekit.webrtc.ice import Address
from livekit.webrtc.network import udp
from livekit.webrtc.network.sockets import IceSocket
from livekit.webrtc.network.udp import (
    MAX_DATAGRAM,
    MAX_GSO_BYTES,
    MAX_GSO_SEGMENTS,
    PROBE_EVERY,
    READ_BATCH,
    READ_BYTES,
    TransportSocket,
    UdpSocket,
    gso_batches,
    open_udp_socket,
)
from tests.webrtc.network.inbox import LOOPBACK, Inbox

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="an option of Linux")


def use_asyncio_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behave as on event loops without `add_reader`, such as Windows' proactor."""

    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(udp, "UdpSocket", refuse)


@pytest.mark.parametrize("has_add_reader", [True, False])
async def test_datagrams_arrive_in_order_with_their_source(
    has_add_reader: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_add_reader:
        use_asyncio_transport(monkeypatch)
    inbox = Inbox()
    one, two = await open_udp_socket(inbox, LOOPBACK), await open_udp_socket(inbox, LOOPBACK)
    assert isinstance(one, UdpSocket if has_add_reader else TransportSocket)
    for index in range(3 * READ_BATCH):
        one.send(b"%d" % index, two.local_address)
    for index in range(3 * READ_BATCH):
        assert await inbox.get() == (b"%d" % index, one.local_address)
    for udp_socket in (one, two):
        udp_socket.close()
        udp_socket.close()
        await udp_socket.wait_closed()
        udp_socket.send(b"late", (LOOPBACK, 9))


class LoopIterations:
    """A `ReceiveDatagram` callback that records in which iteration of the event loop each datagram was received."""

    def __init__(self, expected: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._expected = expected
        self._iteration = 0
        self.sizes: dict[int, list[int]] = {}
        """Bytes of the datagrams, by iteration."""
        self.all_received = asyncio.Event()
        self._next()

    def __call__(self, data: bytes, ice_socket: IceSocket, address: Address) -> None:
        self.sizes.setdefault(self._iteration, []).append(len(data))
        if sum(map(len, self.sizes.values())) == self._expected:
            self.all_received.set()

    def _next(self) -> None:
        self._iteration += 1
        if not self.all_received.is_set():
            self._loop.call_soon(self._next)


async def read(datagrams: list[bytes]) -> list[list[int]]:
    """Read datagrams that are queued at a socket; return their sizes for each loop iteration that read some."""
    iterations = LoopIterations(len(datagrams))
    one, two = await open_udp_socket(iterations, LOOPBACK), await open_udp_socket(iterations, LOOPBACK)
    for datagram in datagrams:
        one.send(datagram, two.local_address)
    await asyncio.wait_for(iterations.all_received.wait(), 10)
    for udp_socket in (one, two):
        udp_socket.close()
    return list(iterations.sizes.values())


async def test_queued_short_datagrams_are_read_in_batches() -> None:
    """On a busy loop a socket must not fall behind by reading one datagram per iteration."""
    iterations = await read([b"short"] * 200)
    assert len(iterations) <= PROBE_EVERY + 200 // READ_BATCH + 1
    assert all(len(sizes) <= READ_BATCH for sizes in iterations)


async def test_long_datagrams_leave_time_for_other_callbacks() -> None:
    iterations = await read([bytes(MAX_DATAGRAM)] * 20)
    assert all(sum(sizes) < READ_BYTES + MAX_DATAGRAM for sizes in iterations)


@pytest.mark.parametrize("gso_supported", [True, False])
@pytest.mark.parametrize("has_add_reader", [True, False])
async def test_send_batch(has_add_reader: bool, gso_supported: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch arrives with UDP GSO, without it, and through an asyncio transport."""
    if not has_add_reader:
        use_asyncio_transport(monkeypatch)
    if not gso_supported:
        monkeypatch.setattr(udp, "UDP_SEGMENT", (17, 9999))  # an option that no kernel has
    inbox = Inbox()
    one, two = await open_udp_socket(inbox, LOOPBACK), await open_udp_socket(inbox, LOOPBACK)
    datagrams = [
        bytes([index]) * size for index, size in enumerate([1200] * 70 + [300, 40, 40, 1200, 16_000, 16_000, 1])
    ]
    one.send_batch(datagrams, two.local_address)
    one.send_batch(datagrams[:3], two.local_address)
    for datagram in datagrams + datagrams[:3]:
        assert await inbox.get() == (datagram, one.local_address)
    if isinstance(one, UdpSocket) and sys.platform == "linux":
        assert one._gso_enabled is gso_supported
    for udp_socket in (one, two):
        udp_socket.close()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([5], [1]),
        ([5, 5, 5, 4, 4], [4, 1]),
        ([4, 5, 5], [1, 2]),
        ([5, 0, 5], [1, 1, 1]),
        ([1] * (MAX_GSO_SEGMENTS + 2), [MAX_GSO_SEGMENTS, 2]),
        ([30_000] * 3, [2, 1]),
        ([MAX_GSO_BYTES + 1] * 2, [1, 1]),
    ],
)
def test_gso_batches_are_of_one_length(sizes: list[int], expected: list[int]) -> None:
    datagrams = [bytes(size) for size in sizes]
    batches = list(gso_batches(datagrams))
    assert [len(batch) for batch in batches] == expected
    assert [datagram for batch in batches for datagram in batch] == datagrams


async def test_send_errors_lose_the_datagram() -> None:
    inbox = Inbox()
    one, two = await open_udp_socket(inbox, LOOPBACK), await open_udp_socket(inbox, LOOPBACK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind((LOOPBACK, 0))
        unreachable = closed.getsockname()
    one.send(b"nobody listens", unreachable)
    one.send(b"too long for a datagram" * 10_000, two.local_address)
    one.send(b"wrong family", ("::1", 9))
    one.send(b"fine", two.local_address)
    one.send(b"fine", two.local_address)
    assert (await inbox.get())[0] == b"fine"
    for udp_socket in (one, two):
        udp_socket.close()


async def test_icmp_errors_of_an_asyncio_transport_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    use_asyncio_transport(monkeypatch)
    udp_socket = await open_udp_socket(Inbox(), LOOPBACK)
    assert isinstance(udp_socket, TransportSocket)
    udp_socket.error_received(ConnectionRefusedError(errno.ECONNREFUSED, "ICMP port unreachable"))
    udp_socket.send(b"still usable", udp_socket.local_address)
    udp_socket.close()
    await udp_socket.wait_closed()
    udp_socket.connection_lost(None)


@on_linux
@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
async def test_only_probes_have_the_dont_fragment_bit(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode of the socket tells, as every datagram fits the MTU of loopback."""
    inbox = Inbox()
    udp_socket = await open_udp_socket(inbox, host)
    assert isinstance(udp_socket, UdpSocket)
    option = udp.MTU_DISCOVER[udp_socket._socket.family]
    assert udp_socket.can_probe
    assert udp_socket._socket.getsockopt(*option) == udp.PMTUDISC_DONT
    modes: list[int] = []
    set_mtu_discovery = UdpSocket._set_mtu_discovery

    def record(one: UdpSocket, mode: int) -> None:
        set_mtu_discovery(one, mode)
        assert one is udp_socket
        modes.append(one._socket.getsockopt(*option))

    monkeypatch.setattr(UdpSocket, "_set_mtu_discovery", record)
    assert udp_socket.send_probe(b"probe", udp_socket.local_address)
    assert modes == [udp.PMTUDISC_PROBE, udp.PMTUDISC_DONT]
    assert (await inbox.get())[0] == b"probe"
    monkeypatch.undo()
    udp_socket.close()
    assert udp_socket.send_probe(b"late", (host, 9)), "lost, which is not a matter of its size"


@on_linux
async def test_probe_over_the_mtu_is_reported() -> None:
    udp_socket = await open_udp_socket(Inbox(), LOOPBACK)
    assert not udp_socket.send_probe(bytes(65_536), udp_socket.local_address)
    udp_socket.close()


async def test_other_systems_cannot_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    inbox = Inbox()
    udp_socket = await open_udp_socket(inbox, LOOPBACK)
    assert not udp_socket.can_probe
    assert udp_socket.send_probe(b"probe", udp_socket.local_address)
    assert (await inbox.get())[0] == b"probe"
    udp_socket.close()


class TooLongForSegments:
    """A socket whose interface has an MTU below the segment size."""

    def __init__(self, udp_socket: socket.socket) -> None:
        self._socket = udp_socket
        self.sendto = udp_socket.sendto
        self.attempts = 0

    def sendmsg(self, *_: object) -> int:
        self.attempts += 1
        raise OSError(errno.EMSGSIZE, "Message too long")


@on_linux
async def test_segments_over_the_mtu_are_sent_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Datagrams can be fragmented, segments cannot. UDP GSO remains in use for shorter ones."""
    inbox = Inbox()
    one, two = await open_udp_socket(inbox, LOOPBACK), await open_udp_socket(inbox, LOOPBACK)
    assert isinstance(one, UdpSocket)
    with monkeypatch.context() as patched:
        patched.setattr(one, "_socket", TooLongForSegments(one._socket))
        one.send_batch([b"a" * 1200, b"b" * 1200], two.local_address)
    assert [(await inbox.get())[0][:1] for _ in range(2)] == [b"a", b"b"]
    assert one._gso_enabled
    for udp_socket in (one, two):
        udp_socket.close()


async def test_open_udp_socket_rejects_an_unavailable_address() -> None:
    with pytest.raises(OSError, match="address"):
        await open_udp_socket(Inbox(), "192.0.2.254")
