"""Forged packets of a third participant do not affect the calls and streams of others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator

import aiohttp
import pytest

from livekit import Room, RpcError, RpcInvocationData, TextStreamReader
from livekit.protocol import models
from livekit.rpc import wire
from livekit.server import DevServer
from livekit.streams.framing import text_stream
from tests.server.client import PATIENCE, WireClient
from tests.server.recording_link import user_packet

ROOM = "demo"
SPOOFERS = {"standard": "", "agent": "agent", "hidden": "hidden"}
"""Kinds of attackers, and the grant of each."""


class BlockingHandler:
    """A handler that records calls and waits for permission to respond."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.may_respond = asyncio.Event()
        self.calls: list[RpcInvocationData] = []

    async def __call__(self, invocation: RpcInvocationData) -> str:
        self.calls.append(invocation)
        self.entered.set()
        await self.may_respond.wait()
        return "genuine"


@contextlib.asynccontextmanager
async def joined(server: DevServer, identity: str) -> AsyncGenerator[Room]:
    room = Room()
    await room.connect(server.url, server.token(identity, room=ROOM))
    try:
        yield room
    finally:
        await room.disconnect()


@contextlib.asynccontextmanager
async def spoofer(server: DevServer, grant: str) -> AsyncGenerator[WireClient]:
    async with aiohttp.ClientSession() as http:
        token = server.token("mallory", room=ROOM, agent=grant == "agent", hidden=grant == "hidden")
        client = WireClient(http, server, token, single=True)
        try:
            _ = await client.connect()
            yield client
        finally:
            await client.close()


def forged_packets(request_id: str, stream_id: str, alice: str, bob: str) -> Iterator[models.DataPacket]:
    """Yield packets that would end or repeat a call from alice to bob, or alter a stream from her to him."""
    yield wire.ack_packet("alice", request_id)
    yield wire.response_packet("alice", request_id, "forged")
    yield wire.error_packet("alice", request_id, RpcError(2000, "forged"))
    yield wire.cancel_packet("bob", request_id, request_id)
    yield wire.cancel_packet("bob", stream_id, request_id)
    for topic, to, attributes in (
        (wire.REQUEST_TOPIC, "bob", wire.request_attributes(request_id, "hold", 5000)),
        (wire.RESPONSE_TOPIC, "alice", {wire.ATTR_REQUEST_ID: request_id}),
    ):
        for inline in (True, False):
            packets = text_stream(
                "forged",
                topic=topic,
                attributes=attributes,
                destinations=[to],
                stream_id=stream_id,
                inline=inline,
                timestamp_ms=0,
            )
            yield from [packets] if isinstance(packets, models.DataPacket) else packets
    for index in range(3):
        chunk = models.DataStream.Chunk(stream_id=stream_id, chunk_index=index, content=b"forged")
        yield models.DataPacket(stream_chunk=chunk, destination_identities=["bob"])
    for reason in ("", "forged"):
        trailer = models.DataStream.Trailer(stream_id=stream_id, reason=reason)
        yield models.DataPacket(stream_trailer=trailer, destination_identities=["bob"])


def with_sender(packet: models.DataPacket, identity: str, sid: str) -> models.DataPacket:
    """Return a copy with another sender."""
    copy = models.DataPacket()
    copy.CopyFrom(packet)
    copy.participant_identity, copy.participant_sid = identity, sid
    return copy


@pytest.mark.parametrize("grant", SPOOFERS.values(), ids=SPOOFERS)
async def test_spoofed_packets_do_not_affect_calls_and_streams(server: DevServer, grant: str) -> None:
    handler, texts = BlockingHandler(), asyncio.Queue[str]()
    tasks: set[asyncio.Task[None]] = set()

    async def read(reader: TextStreamReader) -> None:
        texts.put_nowait(await reader.read_all())

    def on_text(reader: TextStreamReader, sender: str) -> None:
        assert sender == "alice"
        tasks.add(asyncio.ensure_future(read(reader)))

    async with joined(server, "bob") as bob, joined(server, "alice") as alice, spoofer(server, grant) as mallory:
        bob.register_text_stream_handler("notes", on_text)
        bob.local_participant.register_rpc_method("hold", handler)
        through = asyncio.Event()
        bob.on("data_received", lambda packet: through.set())
        pending = asyncio.ensure_future(
            alice.local_participant.perform_rpc(destination_identity="bob", method="hold", payload="p")
        )
        await asyncio.wait_for(handler.entered.wait(), PATIENCE)
        writer = await alice.local_participant.stream_text(topic="notes", destination_identities=["bob"])
        await writer.write("a")
        names = {"alice": alice.local_participant.sid, "bob": bob.local_participant.sid, "": ""}
        for forged in forged_packets(handler.calls[0].request_id, writer.info.stream_id, names["alice"], names["bob"]):
            for identity, sid in names.items():
                mallory.send(with_sender(forged, identity, sid))
        # Packets of one sender stay in order: once this one has arrived, so have the forged ones.
        mallory.send(user_packet(b"honest", "bob"))
        await asyncio.wait_for(through.wait(), PATIENCE)
        await writer.write("b")
        await writer.aclose()
        assert await asyncio.wait_for(texts.get(), PATIENCE) == "ab"
        assert not pending.done()
        handler.may_respond.set()
        assert await pending == "genuine"
        assert [call.caller_identity for call in handler.calls].count("alice") == 1
        assert all(task.done() for task in tasks)
