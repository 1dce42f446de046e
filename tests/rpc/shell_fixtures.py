"""The RPC shells of two participants, on a link that serialises packets and stamps their sender, as a server does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from livekit.engine.interfaces import RELIABLE, PacketStream, SendOptions
from livekit.errors import PacketTooLargeError, SessionClosedError
from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.callee import RpcCallee
from livekit.rpc.client import RpcClient
from livekit.rpc.peer_info import PeerInfo
from livekit.rpc.registry import RpcRegistry
from livekit.streams.reassembly import StreamReassembler
from tests.rpc.core_fixtures import V2, PeerTable

LIMIT = 64_000


async def until(condition: Callable[[], bool]) -> None:
    """Yield to the event loop until `condition` holds."""
    while not condition():  # noqa: ASYNC110 - no event to wait for
        await asyncio.sleep(0)


class LinkStream:
    """A stream of packets, one per loop iteration."""

    def __init__(
        self, link: Link, packets: Iterator[models.DataPacket], on_delivered: Callable[[], None] | None
    ) -> None:
        self.cancelled = False
        self._link = link
        self._packets = packets
        self._on_delivered = on_delivered
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._step)

    def cancel(self) -> None:
        self.cancelled = True

    def _step(self) -> None:
        if self.cancelled or self._link.closed:
            return
        if self._link.stalled:
            self._link.waiting.append(self._step)
            return
        packet = next(self._packets, None)
        if packet is not None:
            self._link.put(packet)
            self._loop.call_soon(self._step)
        elif self._on_delivered is not None:
            self._on_delivered()


class Link:
    """One direction of a link. Implements `PacketSender`."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.receive: Callable[[models.DataPacket], None] = lambda packet: None
        self.sent: list[models.DataPacket] = []
        self.closed = False
        self.deaf = False
        """Packets are accepted and reported as delivered, but dropped."""
        self.stalled = False
        """Streams pause before their next packet, until `resume`."""
        self.full = False
        """Single packets are queued, and can be withdrawn."""
        self.held: list[HeldPacket] = []
        self.waiting: list[Callable[[], None]] = []

    def resume(self) -> None:
        self.stalled = False
        steps, self.waiting = self.waiting, []
        for step in steps:
            step()

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> HeldPacket | None:
        if self.closed:
            raise SessionClosedError("closed")
        if packet.ByteSize() > LIMIT:
            raise PacketTooLargeError("too large")
        if self.full:
            self.held.append(HeldPacket(packet))
            return self.held[-1]
        self.put(packet)
        if options.on_delivered is not None:
            asyncio.get_running_loop().call_soon(options.on_delivered)
        return None

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        if self.closed:
            raise SessionClosedError("closed")
        return LinkStream(self, packets, options.on_delivered)

    def put(self, packet: models.DataPacket) -> None:
        self.sent.append(packet)
        copy = models.DataPacket.FromString(packet.SerializeToString())
        copy.participant_identity = self.identity
        if not self.deaf:
            asyncio.get_running_loop().call_soon(self.receive, copy)

    def kinds(self) -> list[str]:
        return [str(packet.WhichOneof("value")) for packet in self.sent]


class HeldPacket:
    """A single packet queued on a full link."""

    def __init__(self, packet: models.DataPacket) -> None:
        self.packet: models.DataPacket | None = packet

    def withdraw(self) -> bool:
        was_here, self.packet = self.packet is not None, None
        return was_here


class Endpoint:
    """A participant: caller, callee and streams, connected as in a room."""

    def __init__(self, identity: str, options: RpcOptions | None = None, **peers: PeerInfo) -> None:
        self.link = Link(identity)
        self.peers = PeerTable(dict(peers))
        self.registry = RpcRegistry()
        self.options = options or RpcOptions()
        self.client = RpcClient(self.link, self.peers, self.options)
        self.callee = RpcCallee(self.link, self.peers, self.registry, self.options)
        self.streams = StreamReassembler()
        self.streams.register(wire.REQUEST_TOPIC, self.callee.open_request)
        self.streams.register(wire.RESPONSE_TOPIC, self.client.open_response)
        self.client.set_online(True)

    def receive(self, packet: models.DataPacket) -> None:
        """Dispatch a packet by kind."""
        sender, kind = packet.participant_identity, packet.WhichOneof("value")
        if kind == "rpc_request":
            self.callee.receive_request(sender, packet.rpc_request)
        elif kind == "rpc_ack":
            self.client.receive_ack(sender, packet.rpc_ack)
        elif kind == "rpc_response":
            self.client.receive_response(sender, packet.rpc_response)
        elif kind == "stream_header":
            self.streams.receive_header(sender, packet.stream_header)
        elif kind == "stream_chunk":
            self.streams.receive_chunk(sender, packet.stream_chunk)
        elif kind == "stream_trailer":
            self.streams.receive_trailer(sender, packet.stream_trailer)
            request_id = wire.cancelled_request_id(packet.stream_trailer)
            if request_id is not None:
                self.callee.receive_cancel(sender, request_id)


def pair(
    options: RpcOptions | None = None,
    *,
    callee: PeerInfo = V2,
    caller: PeerInfo = V2,
    callee_options: RpcOptions | None = None,
) -> tuple[Endpoint, Endpoint]:
    """Return Alice, who knows Bob as `callee`, and Bob, who knows Alice as `caller`."""
    alice = Endpoint("alice", options, bob=callee)
    bob = Endpoint("bob", callee_options or options, alice=caller)
    alice.link.receive, bob.link.receive = bob.receive, alice.receive
    return alice, bob
