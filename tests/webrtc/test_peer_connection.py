"""Peer connections over UDP, with each other and with aiortc as another implementation."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import random
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from livekit.webrtc.ice import Candidate
from livekit.webrtc.ice.stun import MessageClass, StunMessage, parse_stun
from livekit.webrtc.interfaces import (
    ChannelError,
    ChannelOptions,
    DataChannel,
    IceServerSettings,
    PeerConnection,
    PeerOptions,
    PeerState,
)
from livekit.webrtc.network.sockets import IceSocket
from livekit.webrtc.network.udp import UdpSocket, open_udp_socket
from livekit.webrtc.peer_connection import RtcPeerConnection
from livekit.webrtc.sctp.constants import MAX_MESSAGE_SIZE, MAX_PACKET_SIZE
from livekit.webrtc.sdp import SdpError
from tests.support.aiortc_peer import AiortcPeerConnection

RELIABLE = ChannelOptions(label="_reliable")
LOSSY = ChannelOptions(label="_lossy", ordered=False, max_retransmits=0)
SIZES = (0, 1, 100, 1_188, 15_000, 65_535)
WAIT = 10.0

MakePeer = Callable[[], PeerConnection]


def ours() -> RtcPeerConnection:
    return RtcPeerConnection(PeerOptions(consent_timeout=2.0))


def aiortc() -> AiortcPeerConnection:
    return AiortcPeerConnection(PeerOptions())


PAIRS = [
    pytest.param(ours, ours, id="ours-ours"),
    pytest.param(ours, aiortc, id="ours-aiortc"),
    pytest.param(aiortc, ours, id="aiortc-ours"),
]


async def wait_for(awaitable: Awaitable[object]) -> None:
    await asyncio.wait_for(awaitable, WAIT)


class Watched:
    """A peer connection and the events it has reported."""

    def __init__(self, peer: PeerConnection) -> None:
        self.peer = peer
        self.states: list[PeerState] = []
        self.candidates: list[str | None] = []
        self.channels: dict[str, DataChannel] = {}
        self.inbox: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._changed = asyncio.Event()
        peer.on_state = self._state
        peer.on_channel = self.add
        peer.on_candidate = self._candidate

    def open(self, options: ChannelOptions) -> DataChannel:
        channel = self.peer.create_channel(options)
        self.add(channel)
        return channel

    def add(self, channel: DataChannel) -> None:
        self.channels[channel.label] = channel
        channel.on_message = lambda data: self.inbox.put_nowait((channel.label, data))
        channel.on_open = self._changed.set
        channel.on_close = self._changed.set
        self._changed.set()

    def _candidate(self, candidate: str | None) -> None:
        self.candidates.append(candidate)
        self._changed.set()

    async def until_candidates(self, count: int) -> None:
        await self.until(lambda: len(self.candidates) >= count)

    def _state(self, state: PeerState) -> None:
        self.states.append(state)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async def watch() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        await wait_for(watch())

    async def until_open(self, *labels: str) -> None:
        await self.until(lambda: all(label in self.channels and self.channels[label].is_open for label in labels))

    async def receive(self) -> tuple[str, bytes]:
        return await asyncio.wait_for(self.inbox.get(), WAIT)


async def negotiate(offerer: PeerConnection, answerer: PeerConnection, *, ice_restart: bool = False) -> None:
    offer = await offerer.create_offer(ice_restart=ice_restart)
    await offerer.accept_answer(await answerer.accept_offer(offer))


@asynccontextmanager
async def connected(make_a: MakePeer = ours, make_b: MakePeer = ours) -> AsyncGenerator[tuple[Watched, Watched], None]:
    a, b = Watched(make_a()), Watched(make_b())
    a.open(RELIABLE)
    a.open(LOSSY)
    try:
        await negotiate(a.peer, b.peer)
        for watched in (a, b):
            await watched.until_open("_reliable", "_lossy")
        yield a, b
    finally:
        await a.peer.close()
        await b.peer.close()


@pytest.mark.parametrize(("make_a", "make_b"), PAIRS)
async def test_messages_of_all_sizes_in_both_directions(make_a: MakePeer, make_b: MakePeer) -> None:
    async with connected(make_a, make_b) as (a, b):
        for label in ("_reliable", "_lossy"):
            for size in SIZES:
                data = bytes(index % 251 for index in range(size))
                a.channels[label].send(data)
                assert await b.receive() == (label, data)
                b.channels[label].send(data)
                assert await a.receive() == (label, data)
        assert a.peer.state is b.peer.state is PeerState.CONNECTED
        rtt = a.peer.round_trip_time
        assert rtt is not None
        assert 0 < rtt < 1


@pytest.mark.parametrize(("make_a", "make_b"), PAIRS)
async def test_messages_stay_in_order(make_a: MakePeer, make_b: MakePeer) -> None:
    async with connected(make_a, make_b) as (a, b):
        delivered = 0

        def count() -> None:
            nonlocal delivered
            delivered += 1

        messages = [index.to_bytes(4, "big") * (index % 700) for index in range(1, 1500)]
        for message in messages:
            a.channels["_reliable"].send(message, count)
        for message in messages:
            assert await b.receive() == ("_reliable", message)
        assert delivered > 0


@pytest.mark.parametrize(("make_a", "make_b"), PAIRS)
async def test_channel_opened_by_the_answerer_later(make_a: MakePeer, make_b: MakePeer) -> None:
    async with connected(make_a, make_b) as (a, b):
        b.open(ChannelOptions(label="later"))
        await b.until_open("later")
        await a.until_open("later")
        b.channels["later"].send(b"hello")
        assert await a.receive() == ("later", b"hello")


@pytest.mark.parametrize(("make_a", "make_b"), PAIRS)
async def test_a_repeated_offer_is_idempotent(make_a: MakePeer, make_b: MakePeer) -> None:
    async with connected(make_a, make_b) as (a, b):
        await negotiate(a.peer, b.peer)
        a.channels["_reliable"].send(b"one")
        assert await b.receive() == ("_reliable", b"one")
        await negotiate(b.peer, a.peer)
        b.channels["_reliable"].send(b"two")
        assert await a.receive() == ("_reliable", b"two")
        assert PeerState.FAILED not in a.states + b.states


@pytest.mark.parametrize("by_answerer", [False, True])
async def test_ice_restart(by_answerer: bool) -> None:
    async with connected() as (a, b):
        offerer, answerer = (b, a) if by_answerer else (a, b)
        offer = await offerer.peer.create_offer(ice_restart=True)
        a.channels["_reliable"].send(b"on the old path")
        assert await b.receive() == ("_reliable", b"on the old path")
        answer = await answerer.peer.accept_offer(offer)
        await offerer.peer.accept_answer(answer)
        for index in range(50):
            a.channels["_reliable"].send(b"%d" % index)
            assert await b.receive() == ("_reliable", b"%d" % index)
        assert a.states == b.states == [PeerState.CONNECTING, PeerState.CONNECTED]


@pytest.mark.parametrize(("make_a", "make_b"), PAIRS)
async def test_peer_detects_close(make_a: MakePeer, make_b: MakePeer) -> None:
    async with connected(make_a, make_b) as (a, b):
        await a.peer.close()
        await a.peer.close()
        assert a.peer.state is PeerState.CLOSED
        assert a.states[-1] is PeerState.CLOSED
        await b.until(lambda: b.peer.state in (PeerState.FAILED, PeerState.CLOSED))
        assert not b.channels["_reliable"].is_open
        with pytest.raises(ChannelError):
            a.channels["_reliable"].send(b"too late")


async def test_close_flushes_queued_messages() -> None:
    async with connected() as (a, b):
        a.channels["_reliable"].send(b"last words")
        await a.peer.close()
        assert await b.receive() == ("_reliable", b"last words")


async def test_close_leaks_no_tasks_or_sockets() -> None:
    before = asyncio.all_tasks()
    async with connected() as (a, b):
        assert asyncio.all_tasks() == before
    del a, b
    gc.collect()  # an unclosed socket would warn, and warnings are errors
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("stage", ["new", "offered", "answered"])
async def test_close_in_any_state(stage: str) -> None:
    a, b = ours(), ours()
    if stage != "new":
        offer = await a.create_offer()
        if stage == "answered":
            await b.accept_offer(offer)
    await a.close()
    await b.close()
    assert a.state is b.state is PeerState.CLOSED
    with pytest.raises(ValueError, match="closed"):
        await a.create_offer()


async def test_silent_peer_disconnects_then_fails() -> None:
    async with connected() as (a, b):
        assert isinstance(b.peer, RtcPeerConnection)
        for ice_socket in b.peer.transport.gatherer._sockets:
            ice_socket.close()
        await a.until(lambda: a.peer.state is PeerState.FAILED)
        assert a.states[-2:] == [PeerState.DISCONNECTED, PeerState.FAILED]


async def test_wrong_fingerprint_fails_the_connection() -> None:
    a, b = Watched(ours()), Watched(ours())
    a.open(RELIABLE)
    offer = await a.peer.create_offer()
    answer = await b.peer.accept_offer(offer)
    line = next(line for line in answer.splitlines() if line.startswith("a=fingerprint:"))
    forged = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
    await a.peer.accept_answer(answer.replace(line, forged))
    await a.until(lambda: a.peer.state is PeerState.FAILED)
    assert not a.channels["_reliable"].is_open
    await a.peer.close()
    await b.peer.close()


async def test_candidates_before_the_description_are_kept() -> None:
    a, b = Watched(ours()), Watched(ours())
    a.open(RELIABLE)
    offer = await a.peer.create_offer()
    bare = _without_candidates(offer)
    lines = [line.removeprefix("a=") for line in offer.split("\r\n") if line.startswith("a=candidate")]
    for line in lines:
        await b.peer.add_candidate(json.dumps({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0}))
    for nonsense in ("", "{}", "null", '{"candidate": ""}', '{"candidate": "candidate:nonsense"}', '{"candidate": 5}'):
        await b.peer.add_candidate(nonsense)
    await b.peer.add_candidate(None)
    answer = await b.peer.accept_offer(bare)
    await a.peer.accept_answer(_without_candidates(answer))
    await b.until_open("_reliable")
    assert a.candidates == [None]
    await a.peer.close()
    await b.peer.close()


async def test_connects_over_ice_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only candidate of `b` is a TCP one: a bridge that converts frames to datagrams."""
    monkeypatch.setattr("livekit.webrtc.network.gatherer.TCP_DELAY", 0.0)
    a, b = Watched(ours()), Watched(ours())
    a.open(RELIABLE)
    answer = await b.peer.accept_offer(_without_candidates(await a.peer.create_offer()))
    host, port = next(line.split()[4:6] for line in answer.split("\r\n") if line.startswith("a=candidate"))
    bridges: list[asyncio.Task[None]] = []

    async def bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def forward(data: bytes, ice_socket: IceSocket, address: tuple[str, int]) -> None:
            writer.write(len(data).to_bytes(2, "big") + data)

        udp_socket = await open_udp_socket(forward, host)
        try:
            while True:
                size = await reader.readexactly(2)
                udp_socket.send(await reader.readexactly(int.from_bytes(size, "big")), (host, int(port)))
        except (asyncio.IncompleteReadError, ConnectionError):
            udp_socket.close()
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bridges.append(asyncio.ensure_future(bridge(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    tcp_port = server.sockets[0].getsockname()[1]
    await a.peer.accept_answer(_without_candidates(answer))
    line = f"candidate:1 1 tcp 1671430143 127.0.0.1 {tcp_port} typ host tcptype passive"
    await a.peer.add_candidate(json.dumps({"candidate": line, "sdpMid": "0"}))
    for watched in (a, b):
        await watched.until_open("_reliable")
    for size in SIZES:
        a.channels["_reliable"].send(bytes(size))
        assert await b.receive() == ("_reliable", bytes(size))
    await a.peer.close()
    await b.peer.close()
    await asyncio.gather(*bridges)
    server.close()
    await server.wait_closed()


async def test_ice_servers_added_after_the_offer() -> None:
    a = Watched(ours())
    await a.peer.create_offer()
    assert a.candidates == [None]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert isinstance(a.peer, RtcPeerConnection)
        a.peer.use_ice_servers([IceServerSettings(urls=[f"stun:127.0.0.1:{silent.getsockname()[1]}"])])
        silent.setblocking(False)
        loop = asyncio.get_running_loop()
        request, address = await asyncio.wait_for(receive_from(loop, silent), WAIT)
        answer = StunMessage(MessageClass.SUCCESS, transaction_id=parse_stun(request).transaction_id)
        answer.mapped_address = ("203.0.113.9", 1234)
        silent.sendto(answer.encode(), address)
        await a.until_candidates(2)
    found = Candidate.from_init(a.candidates[1] or "")
    assert found is not None
    assert (found.kind, found.address) == ("srflx", ("203.0.113.9", 1234))
    await a.peer.close()


def _without_candidates(sdp: str) -> str:
    return "\r\n".join(line for line in sdp.split("\r\n") if not line.startswith(("a=candidate", "a=end-of")))


async def receive_from(loop: asyncio.AbstractEventLoop, from_socket: socket.socket) -> tuple[bytes, tuple[str, int]]:
    readable = asyncio.Event()
    loop.add_reader(from_socket, readable.set)
    await readable.wait()
    loop.remove_reader(from_socket)
    return from_socket.recvfrom(2000)


async def test_connects_over_loopback_without_other_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livekit.webrtc.network.gatherer.host_addresses", lambda: ["127.0.0.1"])
    async with connected() as (a, b):
        a.channels["_reliable"].send(b"x")
        assert await b.receive() == ("_reliable", b"x")


async def test_reliable_messages_survive_packet_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    randomness = random.Random(5)
    send = UdpSocket.send

    def lossy_send(udp_socket: UdpSocket, data: bytes, address: tuple[str, int]) -> None:
        if randomness.random() >= 0.15:
            send(udp_socket, data, address)

    def lossy_send_batch(udp_socket: UdpSocket, datagrams: Sequence[bytes], address: tuple[str, int]) -> None:
        for datagram in datagrams:
            lossy_send(udp_socket, datagram, address)

    monkeypatch.setattr(UdpSocket, "send", lossy_send)
    monkeypatch.setattr(UdpSocket, "send_batch", lossy_send_batch)
    async with connected() as (a, b):
        messages = [index.to_bytes(4, "big") * (1 + index * 7) for index in range(100)]
        for message in messages:
            a.channels["_reliable"].send(message)
        for message in messages:
            assert await b.receive() == ("_reliable", message)


@pytest.mark.skipif(sys.platform != "linux", reason="larger packets require do-not-fragment")
@pytest.mark.parametrize(("make_b", "larger"), [(ours, True), (aiortc, False)])
async def test_larger_packets_are_sent_only_to_peers_that_announce_them(make_b: MakePeer, larger: bool) -> None:
    async with connected(ours, make_b) as (a, b):
        for _ in range(3):
            a.channels["_reliable"].send(bytes(60_000))
            assert await b.receive() == ("_reliable", bytes(60_000))
        assert isinstance(a.peer, RtcPeerConnection)
        size = a.peer.transport.association.path_mtu.size
        assert (size > MAX_PACKET_SIZE) is larger


@pytest.mark.parametrize("make_a", [ours, aiortc])
async def test_messages_of_up_to_262144_bytes_are_received(make_a: MakePeer) -> None:
    """As much as libwebrtc announces and accepts."""
    async with connected(make_a, ours) as (a, b):
        assert a.peer.max_message_size == MAX_MESSAGE_SIZE == 262_144
        for size in (65_536, 65_537, 262_144):
            a.channels["_reliable"].send(bytes(size))
            assert await b.receive() == ("_reliable", bytes(size))


async def test_message_over_the_peers_limit_is_rejected() -> None:
    async with connected() as (a, b):
        limit = a.peer.max_message_size
        with pytest.raises(ChannelError, match=str(limit)):
            a.channels["_reliable"].send(bytes(limit + 1))
        a.channels["_reliable"].send(b"still usable")
        assert await b.receive() == ("_reliable", b"still usable")


async def test_exceptions_in_callbacks_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("of the application")

    a, b = Watched(ours()), Watched(ours())
    a.open(RELIABLE)
    b.peer.on_state = b.peer.on_candidate = fail
    await negotiate(a.peer, b.peer)
    for watched in (a, b):
        await watched.until_open("_reliable")
    inbox = b.channels["_reliable"].on_message
    failed: list[bytes] = []
    both_received = asyncio.Event()

    def fail_on_message(message: bytes) -> None:
        failed.append(message)
        if len(failed) == 2:
            both_received.set()
        raise RuntimeError("of the application")

    b.channels["_reliable"].on_message = fail_on_message
    a.channels["_reliable"].send(b"one")
    a.channels["_reliable"].send(b"two")
    await asyncio.wait_for(both_received.wait(), WAIT)
    echo = asyncio.get_running_loop().create_future()
    a.channels["_reliable"].on_message = echo.set_result
    b.channels["_reliable"].send(b"alive")
    assert await asyncio.wait_for(echo, WAIT) == b"alive"
    b.channels["_reliable"].on_message = inbox
    a.channels["_reliable"].send(b"three")
    assert await b.receive() == ("_reliable", b"three")
    assert {record.levelno for record in caplog.records if "failed" in record.message} == {logging.ERROR}
    await a.peer.close()
    await b.peer.close()


@pytest.mark.parametrize("text", ["", "nonsense", "v=0\r\n", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"])
async def test_rejected_description_leaves_the_connection_usable(text: str) -> None:
    a, b = Watched(ours()), Watched(ours())
    a.open(RELIABLE)
    with pytest.raises(SdpError):
        await b.peer.accept_offer(text)
    offer = await a.peer.create_offer()
    with pytest.raises(SdpError):
        await a.peer.accept_answer(text)
    await a.peer.accept_answer(await b.peer.accept_offer(offer))
    await b.until_open("_reliable")
    await a.peer.close()
    await b.peer.close()


async def test_answer_without_an_offer_is_rejected() -> None:
    a, b = ours(), ours()
    answer = await b.accept_offer(await a.create_offer())
    await a.accept_answer(answer)
    with pytest.raises(SdpError, match="offer"):
        await a.accept_answer(answer)
    await a.close()
    await b.close()


async def test_other_sctp_ports_are_rejected() -> None:
    a, b = ours(), ours()
    offer = await a.create_offer()
    with pytest.raises(SdpError, match="sctp-port:5001"):
        await b.accept_offer(offer.replace("a=sctp-port:5000", "a=sctp-port:5001"))
    await a.close()
    await b.close()


async def test_changed_certificate_is_rejected() -> None:
    """RFC 8842 section 4: another certificate requires a new DTLS association."""
    a, b = ours(), ours()
    offer = await a.create_offer()
    await b.accept_offer(offer)
    line = next(line for line in offer.splitlines() if line.startswith("a=fingerprint:"))
    with pytest.raises(SdpError, match="certificate"):
        await b.accept_offer(offer.replace(line, "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)))
    await a.close()
    await b.close()


async def test_full_agent_controls_an_ice_lite_peer() -> None:
    """RFC 8445 section 6.1.1, even if the lite agent made the offer."""
    a, b = ours(), ours()
    offer = (await a.create_offer()).replace("a=ice-options:trickle\r\n", "a=ice-lite\r\n")
    await b.accept_offer(offer)
    assert b.transport.agent.controlling
    await a.close()
    await b.close()
