"""Fuzzes a joined room with data packets from known and unknown senders: only DecodeError is raised.

Run as `python -m fuzz.fuzz_packets [COUNT] [SEED]`.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import events
from collections.abc import Callable, Generator, Iterator, Mapping

from google.protobuf.message import DecodeError

from fuzz.mutate import Fuzzer, Target
from livekit._room.room_session import RoomSession
from livekit.engine import EngineListener, EngineState, register_scheme
from livekit.engine.interfaces import RELIABLE, ChannelCounts, MediaHooks, SendOptions
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.rpc import wire
from livekit.rpc.errors import RpcError
from livekit.rpc.invocation import RpcInvocationData
from livekit.rpc.local_rpc import LocalRpc
from livekit.streams.framing import text_stream

ALLOWED = (DecodeError,)
SENDERS = ("bob", "carol", "")
KNOWN_ID = "00112233-4455-86c6-b001-66778899aabb"
INPUTS_PER_ITERATION = 64
"""Inputs per iteration of the event loop, which runs the handlers."""


class SilentEngine:
    """An engine that is connected, serializes packets and discards them."""

    state = EngineState.CONNECTED
    token = ""
    round_trip_time = None
    counts: Mapping[bool, ChannelCounts] = {}
    media = None

    def __init__(self, url: str, token: str, options: RoomOptions, listener: EngineListener) -> None:
        self.listener = listener
        self.media_hooks = MediaHooks()
        self.on_track_packet: Callable[[bytes], None] = lambda data: None

    async def connect(self) -> None:
        participants = [models.ParticipantInfo(identity=name, sid=f"PA_{name}", client_protocol=2) for name in SENDERS]
        join = rtc.JoinResponse(participant=models.ParticipantInfo(identity="alice", sid="PA_alice"))
        join.other_participants.extend(participants[:-1])
        self.listener.on_joined(join, rejoined=False)
        self.listener.on_state(EngineState.CONNECTED, models.DisconnectReason.UNKNOWN_REASON)

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> None:
        packet.SerializeToString()
        if options.on_sent is not None:
            options.on_sent(None)

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> SilentEngine:
        for packet in packets:
            self.send_packet(packet)
        if options.on_sent is not None:
            options.on_sent(None)
        return self

    def cancel(self) -> None:
        return None

    async def flush(self) -> None:
        return None

    def send_signal(self, request: rtc.SignalRequest) -> None:
        return None

    def open_track_channel(self) -> None:
        return None

    async def wait_track_channel(self) -> None:
        return None

    def send_track_packet(self, data: bytes) -> bool:
        return False

    def force_reconnect(self, *, full: bool) -> None:
        return None

    async def close(self, reason: models.DisconnectReason = models.DisconnectReason.CLIENT_INITIATED) -> None:
        self.begin_close(reason)

    def begin_close(self, reason: models.DisconnectReason = models.DisconnectReason.CLIENT_INITIATED) -> None:
        self.listener.on_state(EngineState.DISCONNECTED, reason)


register_scheme("silent", SilentEngine)


class Room:
    """A joined room with an RPC handler, on an event loop that runs once per `INPUTS_PER_ITERATION`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.inputs = 0
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        rpc = LocalRpc()
        rpc.registry.register("echo", echo, replace=False, executor=None)
        self.session = RoomSession("silent://", "", RoomOptions(), rpc, lambda *event: None)
        await self.session.join()

    def target(self, data: bytes) -> None:
        packet = models.DataPacket.FromString(data)
        self.receive(lambda session: session.on_packet(packet))

    def receive(self, deliver: Callable[[RoomSession], None]) -> None:
        """Deliver an input; run the loop if it is due."""
        events._set_running_loop(self.loop)  # many packets are received in one iteration of the loop
        try:
            deliver(self.session)
        finally:
            events._set_running_loop(None)
        self.inputs += 1
        if self.inputs % INPUTS_PER_ITERATION == 0:
            self.loop.run_until_complete(asyncio.sleep(0))

    def close(self) -> None:
        self.loop.run_until_complete(self.session.leave(models.DisconnectReason.CLIENT_INITIATED))
        self.loop.close()


def echo(invocation: RpcInvocationData) -> str:
    return invocation.payload


def _seeds() -> Iterator[models.DataPacket]:
    yield wire.request_packet("alice", KNOWN_ID, "echo", "payload", 1000)
    yield wire.ack_packet("alice", KNOWN_ID)
    yield wire.response_packet("alice", KNOWN_ID, "payload")
    yield wire.error_packet("alice", KNOWN_ID, RpcError(1500, "message", "data"))
    yield wire.cancel_packet("alice", KNOWN_ID, KNOWN_ID)
    yield models.DataPacket(user=models.UserPacket(payload=b"payload"))
    streams = (
        (wire.REQUEST_TOPIC, wire.request_attributes(KNOWN_ID, "echo", 1000)),
        (wire.RESPONSE_TOPIC, {wire.ATTR_REQUEST_ID: KNOWN_ID}),
    )
    for topic, attributes in streams:
        for inline in (False, True):
            for deflate in (False, True):
                packets = text_stream(
                    "some text, " * 100,
                    topic=topic,
                    attributes=attributes,
                    destinations=["alice"],
                    stream_id=KNOWN_ID,
                    inline=inline,
                    deflate=deflate,
                    timestamp_ms=0,
                )
                yield from [packets] if isinstance(packets, models.DataPacket) else packets


def _from_each_sender(packet: models.DataPacket) -> Iterator[bytes]:
    for sender in SENDERS:
        packet.participant_identity = sender
        yield packet.SerializeToString()


SEEDS = [data for packet in _seeds() for data in _from_each_sender(packet)]


@contextlib.contextmanager
def open_target() -> Generator[Target]:
    room = Room()
    try:
        yield room.target
    finally:
        room.close()


FUZZER = Fuzzer("packets", SEEDS, ALLOWED, open_target)

if __name__ == "__main__":
    FUZZER.main()
