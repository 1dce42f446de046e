"""Sockets, framing, and candidates from a STUN server, on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from typing import cast

import pytest

from livekit.webrtc import network
from livekit.webrtc.ice import Address, Candidate
from livekit.webrtc.ice.stun import Kind, StunMessage, parse_stun
from livekit.webrtc.interfaces import IceServerSettings
from livekit.webrtc.network import (
    LOOK_EVERY,
    MAX_DATAGRAM,
    MAX_SEGMENTS,
    MAX_TRAIN,
    READ_BATCH,
    READ_BYTES,
    Gatherer,
    IceServer,
    Path,
    SocketPath,
    TcpPath,
    UdpPath,
    host_addresses,
    open_tcp_path,
    open_udp_path,
    trains,
)

LOOPBACK = "127.0.0.1"
WAIT = 5.0


class Inbox:
    """What paths have received."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()

    def __call__(self, data: bytes, path: Path, address: Address) -> None:
        self.queue.put_nowait((data, address))

    async def get(self) -> tuple[bytes, Address]:
        return await asyncio.wait_for(self.queue.get(), WAIT)


class Found:
    """What a gatherer has found."""

    def __init__(self) -> None:
        self.candidates: list[tuple[Candidate, Path | None]] = []

    def __call__(self, candidate: Candidate, path: Path | None) -> None:
        self.candidates.append((candidate, path))


def use_asyncio_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(network, "SocketPath", refuse)


@pytest.mark.parametrize("with_reader", [True, False])
async def test_udp_paths(with_reader: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not with_reader:
        use_asyncio_transport(monkeypatch)
    inbox = Inbox()
    one, two = await open_udp_path(inbox, LOOPBACK), await open_udp_path(inbox, LOOPBACK)
    assert isinstance(one, SocketPath if with_reader else UdpPath)
    for index in range(3 * READ_BATCH):
        one.send(b"%d" % index, two.local_address)
    for index in range(3 * READ_BATCH):
        assert await inbox.get() == (b"%d" % index, one.local_address)
    for path in (one, two):
        path.close()
        path.close()
        await path.wait_closed()
        path.send(b"late", (LOOPBACK, 9))


class Turns:
    """Takes datagrams and notes in which turn of the loop each came."""

    def __init__(self, expected: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._expected = expected
        self._turn = 0
        self.sizes: dict[int, list[int]] = {}
        """Bytes of the datagrams, by turn."""
        self.all_came = asyncio.Event()
        self._next()

    def __call__(self, data: bytes, path: Path, address: Address) -> None:
        self.sizes.setdefault(self._turn, []).append(len(data))
        if sum(map(len, self.sizes.values())) == self._expected:
            self.all_came.set()

    def _next(self) -> None:
        self._turn += 1
        if not self.all_came.is_set():
            self._loop.call_soon(self._next)


async def read(datagrams: list[bytes]) -> list[list[int]]:
    """The bytes of datagrams that wait at a socket, for each turn in which some are read."""
    turns = Turns(len(datagrams))
    one, two = await open_udp_path(turns, LOOPBACK), await open_udp_path(turns, LOOPBACK)
    for datagram in datagrams:
        one.send(datagram, two.local_address)
    await asyncio.wait_for(turns.all_came.wait(), 10)
    for path in (one, two):
        path.close()
    return list(turns.sizes.values())


async def test_short_datagrams_that_queue_up_are_read_together() -> None:
    """Where turns are rare a socket must not fall behind by reading one in each"""
    turns = await read([b"short"] * 200)
    assert len(turns) <= LOOK_EVERY + 200 // READ_BATCH + 1
    assert all(len(sizes) <= READ_BATCH for sizes in turns)


async def test_others_get_their_turn_between_long_datagrams() -> None:
    turns = await read([bytes(MAX_DATAGRAM)] * 20)
    assert all(sum(sizes) < READ_BYTES + MAX_DATAGRAM for sizes in turns)


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("with_reader", [True, False])
async def test_many_datagrams_at_once(with_reader: bool, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the kernel sends trains of them (UDP_SEGMENT) or not, and where there is no socket of our own."""
    if not with_reader:
        use_asyncio_transport(monkeypatch)
    if refused:
        monkeypatch.setattr(network, "UDP_SEGMENT", (17, 9999))  # an option that no kernel has
    inbox = Inbox()
    one, two = await open_udp_path(inbox, LOOPBACK), await open_udp_path(inbox, LOOPBACK)
    datagrams = [
        bytes([index]) * size for index, size in enumerate([1200] * 70 + [300, 40, 40, 1200, 16_000, 16_000, 1])
    ]
    one.send_all(datagrams, two.local_address)
    one.send_all(datagrams[:3], two.local_address)
    for datagram in datagrams + datagrams[:3]:
        assert await inbox.get() == (datagram, one.local_address)
    if isinstance(one, SocketPath) and sys.platform == "linux":
        assert one._sends_trains is not refused
    for path in (one, two):
        path.close()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([5], [1]),
        ([5, 5, 5, 4, 4], [4, 1]),
        ([4, 5, 5], [1, 2]),
        ([5, 0, 5], [1, 1, 1]),
        ([1] * (MAX_SEGMENTS + 2), [MAX_SEGMENTS, 2]),
        ([30_000] * 3, [2, 1]),
        ([MAX_TRAIN + 1] * 2, [1, 1]),
    ],
)
def test_trains_are_of_one_length(sizes: list[int], expected: list[int]) -> None:
    datagrams = [bytes(size) for size in sizes]
    found = list(trains(datagrams))
    assert [len(train) for train in found] == expected
    assert [datagram for train in found for datagram in train] == datagrams


async def test_what_cannot_be_sent_is_lost() -> None:
    inbox = Inbox()
    one, two = await open_udp_path(inbox, LOOPBACK), await open_udp_path(inbox, LOOPBACK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind((LOOPBACK, 0))
        nobody = closed.getsockname()
    one.send(b"nobody is there", nobody)
    one.send(b"too long for a datagram" * 10_000, two.local_address)
    one.send(b"wrong family", ("::1", 9))
    one.send(b"fine", two.local_address)
    one.send(b"fine", two.local_address)
    assert (await inbox.get())[0] == b"fine"
    for path in (one, two):
        path.close()


async def test_no_such_address() -> None:
    with pytest.raises(OSError, match="address"):
        await open_udp_path(Inbox(), "192.0.2.254")


async def test_tcp_paths_frame_packets() -> None:
    inbox = Inbox()
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    lost: asyncio.Future[TcpPath] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in (b"\0", b"\3one\0", b"\3two\0\0\0\1", b"!"):
            writer.write(part)
            await writer.drain()
        received.set_result(await reader.readexactly(7))
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    remote: Address = server.sockets[0].getsockname()
    path = await open_tcp_path(inbox, remote, lost.set_result)
    assert [await inbox.get() for _ in range(4)] == [(data, remote) for data in (b"one", b"two", b"", b"!")]
    path.send(b"hello", remote)
    assert await asyncio.wait_for(received, WAIT) == b"\0\5hello"
    assert await asyncio.wait_for(lost, WAIT) is path
    path.close()
    await path.wait_closed()
    server.close()
    await server.wait_closed()


def test_host_addresses() -> None:
    found = [ipaddress.ip_address(address) for address in host_addresses()]
    assert found
    assert not any(address.is_link_local for address in found)
    assert len(found) == 1 or not any(address.is_loopback for address in found)


def test_only_loopback_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ifaddr.get_adapters", tuple)
    assert host_addresses() == [LOOPBACK]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("stun:stun.example.org", ("stun", "stun.example.org", 3478, "udp")),
        ("turn:10.0.0.1:443?transport=tcp", ("turn", "10.0.0.1", 443, "tcp")),
        ("turns:turn.example.org:443", ("turns", "turn.example.org", 443, "tcp")),
        ("turn:[2001:db8::1]:3479", ("turn", "2001:db8::1", 3479, "udp")),
    ],
)
def test_urls_of_servers(url: str, expected: tuple[str, str, int, str]) -> None:
    server = IceServer.parse(url, IceServerSettings(urls=[url]))
    assert server is not None
    assert (server.scheme, server.host, server.port, server.transport) == expected


@pytest.mark.parametrize("url", ["", "http://example.org", "stun:", "turn:host:port"])
def test_urls_of_no_server(url: str) -> None:
    assert IceServer.parse(url, IceServerSettings(urls=[url])) is None


class StunServer(asyncio.DatagramProtocol):
    """Says that everybody has one public address; loses the first request."""

    PUBLIC = ("203.0.113.5", 4567)

    def __init__(self) -> None:
        self.requests = 0
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.requests += 1
        if self.requests == 1 or self.transport is None:
            return
        answer = StunMessage(Kind.SUCCESS, transaction_id=parse_stun(data).transaction_id)
        answer.mapped_address = self.PUBLIC
        self.transport.sendto(answer.encode(), addr)


async def test_server_reflexive_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "STUN_RETRY", 0.02)
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(StunServer, local_addr=(LOOPBACK, 0))
    url = f"stun:{LOOPBACK}:{transport.get_extra_info('sockname')[1]}"
    found = Found()
    gatherer = Gatherer(Inbox(), found)

    def receive(data: bytes, path: Path, address: Address) -> None:
        assert gatherer.take(data)

    path = await open_udp_path(receive, LOOPBACK)
    await asyncio.wait_for(gatherer.run([IceServerSettings(urls=[url, "nonsense"])], [path], relay_only=False), WAIT)
    assert server.requests == 2
    ((candidate, base),) = found.candidates
    assert (candidate.kind, candidate.address, candidate.related) == ("srflx", StunServer.PUBLIC, path.local_address)
    assert base is None
    assert not gatherer.take(StunMessage(Kind.SUCCESS).encode())
    path.close()
    transport.close()


async def test_servers_that_do_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "GATHER_TIMEOUT", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        port = silent.getsockname()[1]
        urls = [f"stun:{LOOPBACK}:{port}", f"turn:{LOOPBACK}:{port}", f"turn:{LOOPBACK}:{port}?transport=tcp"]
        path = await open_udp_path(Inbox(), LOOPBACK)
        found = Found()
        settings = IceServerSettings(urls=urls, username="u", credential="c")
        gatherer = Gatherer(Inbox(), found)
        await asyncio.wait_for(gatherer.run([settings], [path], relay_only=False), WAIT)
        assert found.candidates == []
        path.close()
