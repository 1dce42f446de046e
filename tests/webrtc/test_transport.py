"""The asyncio shell: two transports over loopback sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from livekit.webrtc.certificate import Fingerprint, local_certificate
from livekit.webrtc.ice import Address, Candidate, Credentials, IceState
from livekit.webrtc.ice.stun import Attribute, parse_stun
from livekit.webrtc.interfaces import PeerOptions, PeerState
from livekit.webrtc.network import gatherer
from livekit.webrtc.network.sockets import UnbatchedSocket
from livekit.webrtc.network.udp import UdpSocket
from livekit.webrtc.sctp import Channel
from livekit.webrtc.sctp.constants import MAX_PACKET_SIZE, MAX_RECEIVED_PACKET
from livekit.webrtc.transport import MAX_EARLY_DATAGRAMS, PeerTransport
from tests.webrtc.network.inbox import LOOPBACK, WAIT

DTLS_RECORD = b"\x16\xfe\xfd" + bytes(10)
ADDRESS: Address = ("192.0.2.1", 5000)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatherer, "host_addresses", lambda: [LOOPBACK])


class RecordingSocket(UnbatchedSocket):
    """A socket that records sent datagrams."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes, address: Address) -> None:
        self.sent.append(data)

    def close(self) -> None:
        """Nothing to close."""

    async def wait_closed(self) -> None:
        """Return at once."""


async def until(condition: Callable[[], bool]) -> None:
    async def poll() -> None:
        while not condition():  # noqa: ASYNC110  # several states of several objects
            await asyncio.sleep(0.005)

    await asyncio.wait_for(poll(), WAIT)


def fingerprints() -> list[Fingerprint]:
    return [local_certificate().fingerprint]


class Pair:
    """A controlling client and a controlled server."""

    def __init__(self, consent_timeout: float = 5.0) -> None:
        self.client = PeerTransport(PeerOptions(consent_timeout=consent_timeout))
        self.server = PeerTransport(PeerOptions(consent_timeout=consent_timeout))
        self.client.agent.controlling = True
        self.states: list[PeerState] = []
        self.client.on_state = self.states.append
        self.received: list[bytes] = []
        self.server.association.on_channel = self._watch

    def _watch(self, channel: Channel) -> None:
        channel.on_message = self.received.append

    def signal(self, sender: PeerTransport, receiver: PeerTransport) -> None:
        receiver.agent.set_remote_credentials(sender.agent.credentials, receiver.now)
        for candidate in sender.gatherer.candidates:
            receiver.add_remote_candidate(candidate)

    async def connect(self) -> Channel:
        """Connect both and return a channel from client to server."""
        for transport in (self.client, self.server):
            await transport.gatherer.gather()
        channel = self.client.association.open_channel("x")
        self.signal(self.client, self.server)
        self.signal(self.server, self.client)
        self.client.start_dtls(fingerprints(), is_client=True)
        self.server.start_dtls(fingerprints(), is_client=False)
        await until(lambda: channel.is_open)
        return channel

    async def close(self) -> None:
        await self.client.close()
        await self.server.close()


@asynccontextmanager
async def open_pair(consent_timeout: float = 5.0) -> AsyncGenerator[Pair, None]:
    pair = Pair(consent_timeout)
    try:
        yield pair
    finally:
        await pair.close()


async def test_connects_and_carries_messages() -> None:
    async with open_pair() as pair:
        channel = await pair.connect()
        for size in (1, 1200, 60_000):
            channel.send(bytes(size))
        await until(lambda: len(pair.received) == 3)
        assert [len(message) for message in pair.received] == [1, 1200, 60_000]
        assert pair.states == [PeerState.CONNECTING, PeerState.CONNECTED]
    assert pair.states[-1] is PeerState.CLOSED


async def test_early_dtls_datagrams_are_kept_until_the_description() -> None:
    """The ClientHello may overtake the answer; without buffering, retransmission would cost 100 ms."""
    async with open_pair() as pair:
        for transport in (pair.client, pair.server):
            await transport.gatherer.gather()
        pair.signal(pair.client, pair.server)
        pair.signal(pair.server, pair.client)
        pair.client.start_dtls(fingerprints(), is_client=True)
        await until(lambda: bool(pair.server._early_datagrams))
        pair.server.start_dtls(fingerprints(), is_client=False)
        assert not pair.server._early_datagrams
        await until(lambda: pair.client.state is pair.server.state is PeerState.CONNECTED)


async def test_early_dtls_datagrams_are_limited() -> None:
    transport = PeerTransport(PeerOptions())
    transport.agent.authenticated_addresses.add(ADDRESS)
    for _ in range(MAX_EARLY_DATAGRAMS + 5):
        transport._receive_datagram(DTLS_RECORD, RecordingSocket(), ADDRESS)
    assert len(transport._early_datagrams) == MAX_EARLY_DATAGRAMS
    await transport.close()


async def test_dtls_from_unauthenticated_addresses_is_dropped() -> None:
    transport = PeerTransport(PeerOptions())
    transport._receive_datagram(DTLS_RECORD, RecordingSocket(), ADDRESS)
    assert transport._early_datagrams == []
    await transport.close()


async def test_active_tcp_candidate_of_the_peer_is_not_checked() -> None:
    """RFC 6544 section 4.1: it has no port to connect to."""
    transport = PeerTransport(PeerOptions())
    transport.add_remote_candidate(Candidate.parse("1 1 tcp 1671430143 192.0.2.1 9 typ host tcptype active"))
    assert transport.agent.next_timer() is None
    await transport.close()


async def test_tcp_candidate_of_the_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 6544: UDP has not connected, so the transport connects and checks the pair of that connection only."""
    monkeypatch.setattr(gatherer, "TCP_DELAY", 0.0)
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    frames: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait(writer)
        size = int.from_bytes(await reader.readexactly(2), "big")
        frames.put_nowait(await reader.readexactly(size))

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    transport = PeerTransport(PeerOptions())
    transport.agent.set_remote_credentials(Credentials(ufrag="them", password="secret"), transport.now)
    transport.add_remote_candidate(Candidate.parse(f"1 1 tcp 1 {LOOPBACK} {port} typ host tcptype passive"))
    frame = await asyncio.wait_for(frames.get(), WAIT)
    assert parse_stun(frame).attributes[Attribute.USERNAME].startswith(b"them:")
    server.close()  # else the transport would connect again
    (await accepted.get()).close()
    await until(lambda: transport.agent.next_timer() is not None and not transport.agent._local_candidates)
    await transport.close()
    await server.wait_closed()


async def test_output_is_lost_without_a_selected_pair() -> None:
    async with open_pair() as pair:
        channel = await pair.connect()
        (udp_socket,) = pair.client.gatherer._hosts.values()
        pair.client.agent.remove_socket(udp_socket, pair.client.now)
        pair.client.schedule_flush()
        channel.send(b"lost")
        await until(lambda: pair.client.state is PeerState.DISCONNECTED)
        assert pair.client.agent.selected_pair is None
        assert pair.received == []


@pytest.mark.parametrize(("can_probe", "announced"), [(True, True), (True, False), (False, True)])
async def test_larger_packets_require_probes_and_a_peer_that_accepts_them(
    can_probe: bool, announced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without either, the search ends at the base size."""
    probes: list[int] = []

    def send_probe(udp_socket: UdpSocket, data: bytes, address: Address) -> bool:
        if len(data) > 10_000:
            return False  # as if over the MTU of the interface
        udp_socket.send(data, address)
        probes.append(len(data))
        return True

    monkeypatch.setattr(UdpSocket, "send_probe", send_probe)
    async with open_pair() as pair:
        await pair.client.gatherer.gather()
        for udp_socket in pair.client.gatherer._hosts.values():
            assert isinstance(udp_socket, UdpSocket)
            udp_socket.can_probe = can_probe
        pair.client.peer_max_packet_size = MAX_RECEIVED_PACKET if announced else 0
        await pair.connect()
        expected = 8_912 if can_probe and announced else MAX_PACKET_SIZE
        await until(lambda: pair.client.association.path_mtu.size == expected)
        await until(lambda: not pair.client.association.path_mtu.is_searching)
        assert pair.client.association.path_mtu.size == expected
        assert all(size > expected for size in probes[-1:])


async def test_wrong_fingerprint_fails_the_connection() -> None:
    async with open_pair() as pair:
        for transport in (pair.client, pair.server):
            await transport.gatherer.gather()
        pair.signal(pair.client, pair.server)
        pair.signal(pair.server, pair.client)
        pair.client.start_dtls([Fingerprint("sha-256", "AB:CD")], is_client=True)
        pair.server.start_dtls(fingerprints(), is_client=False)
        await until(lambda: pair.client.state is PeerState.FAILED)


async def test_close_of_the_peer_fails_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "livekit.webrtc")
    async with open_pair() as pair:
        channel = await pair.connect()
        await pair.server.close()
        await until(lambda: pair.client.state is PeerState.FAILED)
        assert not channel.is_open
        assert "SCTP association closed" in caplog.text


async def test_silent_peer_disconnects_then_fails() -> None:
    async with open_pair(consent_timeout=0.6) as pair:
        await pair.connect()
        for ice_socket in pair.server.gatherer._sockets:
            ice_socket.close()
        await until(lambda: pair.client.state is PeerState.FAILED)
        assert pair.states[-2:] == [PeerState.DISCONNECTED, PeerState.FAILED]
        assert pair.client.agent.state is IceState.FAILED


async def test_error_while_sending_is_logged_and_the_timer_continues(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    async with open_pair() as pair:
        channel = await pair.connect()
        with monkeypatch.context() as patched:
            patched.setattr(UdpSocket, "send_batch", fail)
            channel.send(b"retransmitted")
            await until(lambda: "sending failed" in caplog.text)
        await until(lambda: pair.received == [b"retransmitted"])


async def test_nothing_runs_after_close() -> None:
    transport = PeerTransport(PeerOptions())
    await transport.close()
    await transport.close()
    transport.schedule_flush()
    transport._flush()
    transport._receive_datagram(DTLS_RECORD, RecordingSocket(), ADDRESS)
    assert transport._flush_handle is None
    assert transport._timer is None
    assert transport.state is PeerState.CLOSED


async def test_timer_is_rescheduled_only_for_earlier_deadlines() -> None:
    async with open_pair() as pair:
        await pair.connect()
        transport = pair.client
        transport._flush()
        timer, due = transport._timer, transport._timer_due
        assert timer is not None
        transport._timer_due = due + 100
        transport._schedule_timer()
        assert timer.cancelled()
        assert transport._timer is not timer
        assert transport._timer_due < due + 100


async def test_timer_replaces_a_pending_flush() -> None:
    async with open_pair() as pair:
        channel = await pair.connect()
        await until(lambda: pair.client._flush_handle is None)
        channel.send(b"once")
        pending = pair.client._flush_handle
        assert pending is not None
        pair.client._timer_fired()
        assert pending.cancelled()
        assert pair.client._flush_handle is None
        await until(lambda: pair.received == [b"once"])


async def test_a_close_that_cannot_send_releases_sockets_and_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = PeerTransport(PeerOptions())
    await transport.gatherer.gather()
    sockets = [one for one in transport.gatherer._sockets if isinstance(one, UdpSocket)]
    assert sockets

    def fail(now: float) -> None:
        raise ValueError("cannot send")

    transport.schedule_flush()
    transport._timer = timer = asyncio.get_running_loop().call_later(60, pytest.fail, "the timer must not run")
    monkeypatch.setattr(transport, "_send", fail)
    with pytest.raises(ValueError, match="cannot send"):
        await transport.close()
    assert all(one._socket.fileno() < 0 for one in sockets)
    assert timer.cancelled()
    assert transport._flush_handle is None
    assert transport.state is PeerState.CLOSED
    monkeypatch.undo()
    await transport.close()
