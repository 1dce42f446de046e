"""Gathering of local candidates, on loopback."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from livekit.webrtc.ice import Address, Candidate
from livekit.webrtc.ice.stun import Attribute, MessageClass, StunMessage
from livekit.webrtc.interfaces import IceServerSettings, PeerOptions
from livekit.webrtc.network import gatherer as gatherer_module
from livekit.webrtc.network.gatherer import IceGatherer
from livekit.webrtc.network.shared_ports import SharedPorts
from livekit.webrtc.network.sockets import IceSocket, ReceiveDatagram
from livekit.webrtc.network.tcp import TcpSocket
from livekit.webrtc.network.udp import open_udp_socket
from tests.webrtc.network.inbox import LOOPBACK, WAIT
from tests.webrtc.network.stun_server import StunServer


class Recorder:
    """A gatherer, and the sockets and candidates that it reports."""

    def __init__(self, options: PeerOptions | None = None, ports: SharedPorts | None = None) -> None:
        self.added: list[tuple[IceSocket, Candidate, Address | None]] = []
        self.removed: list[TcpSocket] = []
        self.trickled: list[Candidate] = []
        self.changed = asyncio.Event()
        self.gathered = asyncio.Event()
        self.gatherer = IceGatherer(
            self._receive,
            options or PeerOptions(),
            add_socket=self._add,
            remove_socket=self._record(self.removed),
            ports=ports,
        )
        self.gatherer.on_candidate = self.trickled.append
        self.gatherer.on_gathered = self.gathered.set

    def _add(self, ice_socket: IceSocket, candidate: Candidate, remote: Address | None) -> None:
        self.added.append((ice_socket, candidate, remote))
        self.changed.set()

    def _record(self, items: list[Any]) -> Callable[[Any], None]:
        def record(item: object) -> None:
            items.append(item)
            self.changed.set()

        return record

    def is_gathered(self) -> bool:
        return self.gatherer.is_gathered

    def _receive(self, data: bytes, ice_socket: IceSocket, address: Address) -> None:
        self.gatherer.receive_response(data)

    async def wait_changed(self) -> None:
        await asyncio.wait_for(self.changed.wait(), WAIT)
        self.changed.clear()


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatherer_module, "host_addresses", lambda: [LOOPBACK])
    monkeypatch.setattr(gatherer_module, "TCP_DELAY", 0.0)


def silent_server() -> tuple[socket.socket, IceServerSettings]:
    """Return a UDP socket that never answers, and the settings of it as a STUN server."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((LOOPBACK, 0))
    return silent, IceServerSettings(urls=[f"stun:{LOOPBACK}:{silent.getsockname()[1]}"])


async def test_host_candidates_are_gathered_once() -> None:
    recorder = Recorder()
    await recorder.gatherer.gather()
    await recorder.gatherer.gather()
    ((ice_socket, candidate, remote),) = recorder.added
    assert recorder.gatherer.candidates == [candidate]
    assert (candidate.kind, candidate.host, remote) == ("host", LOOPBACK, None)
    assert recorder.gatherer.is_gathered
    assert recorder.trickled == [], "host candidates are part of the description"
    await recorder.gatherer.close()
    ice_socket.send(b"closed", (LOOPBACK, 9))


async def test_relay_only_opens_no_host_sockets() -> None:
    recorder = Recorder(PeerOptions(relay_only=True))
    await recorder.gatherer.gather()
    passive = Candidate.parse(f"1 1 tcp 1 {LOOPBACK} 7881 typ host tcptype passive")
    recorder.gatherer.connect_tcp(passive, lambda: True)
    await asyncio.sleep(0.01)
    assert recorder.added == []
    await recorder.gatherer.close()


async def test_unavailable_addresses_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatherer_module, "host_addresses", lambda: ["192.0.2.254", LOOPBACK])
    recorder = Recorder()
    await recorder.gatherer.gather()
    assert [candidate.host for candidate in recorder.gatherer.candidates] == [LOOPBACK]
    await recorder.gatherer.close()


async def test_closing_while_a_socket_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    opened: list[IceSocket] = []

    async def open_and_close(receive: ReceiveDatagram, host: str) -> IceSocket:
        opened.append(await open_udp_socket(receive, host))
        await recorder.gatherer.close()
        return opened[0]

    monkeypatch.setattr(gatherer_module, "open_udp_socket", open_and_close)
    await recorder.gatherer.gather()
    assert recorder.added == []
    assert not recorder.gatherer.is_gathered
    recorder.gatherer.use_servers([IceServerSettings(urls=["stun:192.0.2.1"])])
    assert not recorder.gatherer._tasks


async def test_servers_are_queried_after_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livekit.webrtc.network.server_candidates.GATHER_TIMEOUT", 0.05)
    silent, settings = silent_server()
    recorder = Recorder(PeerOptions(ice_servers=[settings]))
    recorder.gatherer.use_servers([IceServerSettings(urls=[])])
    assert not recorder.gatherer._tasks, "there is no host socket yet"
    await recorder.gatherer.gather()
    assert recorder.is_gathered() is False
    await asyncio.wait_for(recorder.gathered.wait(), WAIT)
    assert recorder.is_gathered() is True
    assert silent.recv(2000)
    assert not recorder.gatherer.receive_response(bytes(20))
    silent.close()
    await recorder.gatherer.close()


async def test_server_reflexive_candidates_trickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8838: they are gathered after the description was made."""
    monkeypatch.setattr("livekit.webrtc.network.server_candidates.STUN_RTO", 0.02)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(StunServer, local_addr=(LOOPBACK, 0))
    recorder = Recorder()
    await recorder.gatherer.gather()
    port = transport.get_extra_info("sockname")[1]
    recorder.gatherer.use_servers([IceServerSettings(urls=[f"stun:{LOOPBACK}:{port}"])])
    await asyncio.wait_for(recorder.gathered.wait(), WAIT)
    host, reflexive = recorder.gatherer.candidates
    assert recorder.trickled == [reflexive]
    assert (reflexive.kind, reflexive.address, reflexive.related) == ("srflx", StunServer.PUBLIC, host.address)
    await recorder.gatherer.close()
    transport.close()


async def test_close_cancels_queries_in_progress() -> None:
    silent, settings = silent_server()
    recorder = Recorder(PeerOptions(ice_servers=[settings]))
    await recorder.gatherer.gather()
    await recorder.gatherer.close()
    assert not recorder.gatherer._tasks
    assert not recorder.gathered.is_set()
    silent.close()


async def test_tcp_connection_is_added_and_removed_when_lost() -> None:
    writers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda reader, writer: writers.put_nowait(writer), LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    recorder = Recorder()
    passive = Candidate.parse(f"1 1 tcp 1 {LOOPBACK} {port} typ host tcptype passive")
    recorder.gatherer.connect_tcp(passive, lambda: True)
    await recorder.wait_changed()
    ((tcp_socket, candidate, remote),) = recorder.added
    assert (candidate.kind, candidate.host, remote) == ("host", LOOPBACK, passive.address)
    (await writers.get()).close()
    await recorder.wait_changed()
    assert recorder.removed == [tcp_socket]
    await recorder.gatherer.close()
    server.close()
    await server.wait_closed()


async def test_accepted_tcp_connections_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is lost makes room for another."""
    monkeypatch.setattr(gatherer_module, "MAX_CONNECTIONS", 2)
    ports = SharedPorts()
    await ports.open_tcp(0)
    recorder = Recorder(PeerOptions(active_tcp=False), ports)
    recorder.gatherer.accept("ours")
    request = StunMessage(MessageClass.REQUEST)
    request.attributes[Attribute.USERNAME] = b"ours:theirs"
    data = request.encode(b"password")

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, ports.tcp_port)
        writer.write(len(data).to_bytes(2, "big") + data)
        return reader, writer

    writers: list[asyncio.StreamWriter] = []
    for _ in range(2):
        writers.append((await connect())[1])
        await recorder.wait_changed()
    reader, refused = await connect()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), WAIT)
    assert len(recorder.added) == 2
    writers[0].close()
    await recorder.wait_changed()
    assert recorder.removed == [recorder.added[0][0]]
    writers.append((await connect())[1])
    await recorder.wait_changed()
    assert len(recorder.added) == 3
    for writer in (*writers, refused):
        writer.close()
    await recorder.gatherer.close()
    await ports.aclose()


@pytest.mark.parametrize(
    "line", ["1 1 tcp 1 127.0.0.1 9 typ host tcptype active", "1 1 tcp 1 a.local 9 typ host tcptype passive"]
)
async def test_tcp_candidates_that_cannot_be_connected_to_are_ignored(line: str) -> None:
    """RFC 6544 section 4.5: an active candidate has no port that accepts connections."""
    recorder = Recorder()
    recorder.gatherer.connect_tcp(Candidate.parse(line), lambda: True)
    assert not recorder.gatherer._tasks
    await recorder.gatherer.close()


@pytest.mark.parametrize("is_needed", [True, False])
async def test_no_tcp_connection(is_needed: bool, caplog: pytest.LogCaptureFixture) -> None:
    """It is refused, or UDP has connected in the meantime."""
    caplog.set_level(logging.DEBUG, "livekit.webrtc")
    with socket.create_server((LOOPBACK, 0)) as closed:
        port = closed.getsockname()[1]
    recorder = Recorder()
    passive = Candidate.parse(f"1 1 tcp 1 {LOOPBACK} {port} typ host tcptype passive")
    recorder.gatherer.connect_tcp(passive, lambda: is_needed)
    await asyncio.wait(recorder.gatherer._tasks, timeout=WAIT)
    assert recorder.added == []
    assert ("no ICE-TCP connection" in caplog.text) is is_needed
    await recorder.gatherer.close()


async def test_unexpected_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> bool:
        raise RuntimeError("a bug")

    recorder = Recorder()
    passive = Candidate.parse(f"1 1 tcp 1 {LOOPBACK} 9 typ host tcptype passive")
    recorder.gatherer.connect_tcp(passive, fail)
    await asyncio.wait(recorder.gatherer._tasks, timeout=WAIT)
    await asyncio.sleep(0)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    await recorder.gatherer.close()
