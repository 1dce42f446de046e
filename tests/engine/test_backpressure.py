from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from livekit.engine.backpressure import send, start_stream
from livekit.engine.interfaces import RELIABLE, PacketStream, QueuedPacket, SendOptions
from livekit.engine.packet_channel import PacketChannel
from livekit.errors import PacketTooLargeError, SessionClosedError
from livekit.protocol import models
from tests.engine.fake_channel import FakeChannel

CHUNK = 15_000


class Sender:
    """A `PacketSender` that sends on a fake channel once it is open."""

    def __init__(self) -> None:
        self.packets = PacketChannel(lambda packet: None)
        self.channel = FakeChannel()

    def open(self) -> None:
        self.packets.attach(self.channel, FakeChannel("_lossy"), 65_536)

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> QueuedPacket | None:
        return self.packets.send(packet, options)

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        return self.packets.send_stream(packets, options)


def packet(size: int = CHUNK) -> models.DataPacket:
    return models.DataPacket(user=models.UserPacket(payload=bytes(size)))


def packets(count: int) -> Iterator[models.DataPacket]:
    return (packet() for _ in range(count))


async def run_pending_callbacks() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_send_waits_until_the_channel_has_room() -> None:
    sender = Sender()
    sending = asyncio.ensure_future(send(sender, packet()))
    await run_pending_callbacks()
    assert not sending.done()
    sender.open()
    await asyncio.wait_for(sending, 1)
    for _ in range(3):
        await send(sender, packet())
    sending = asyncio.ensure_future(send(sender, packet()))
    await run_pending_callbacks()
    assert not sending.done(), "the channel is full"
    sender.channel.drain()
    await asyncio.wait_for(sending, 1)


async def test_stream_is_done_with_its_last_packet() -> None:
    sender = Sender()
    sender.open()
    sending = start_stream(sender, packets(10))
    while not sending.done.done():
        assert len(sender.channel.sent) < 10
        sender.channel.drain()
    await sending.done
    assert len(sender.channel.sent) == 10


async def test_empty_stream_is_done() -> None:
    sender = Sender()
    sender.open()
    await asyncio.wait_for(start_stream(sender, packets(0)).done, 1)


async def test_too_large_packet_raises_immediately() -> None:
    sender = Sender()
    with pytest.raises(PacketTooLargeError):
        await send(sender, packet(64_000))


async def test_packet_too_large_for_the_channel_raises_when_it_is_sent() -> None:
    sender = Sender()
    sender.channel = FakeChannel(max_size=1_000)
    sender.open()
    with pytest.raises(PacketTooLargeError):
        await send(sender, packet())
    with pytest.raises(PacketTooLargeError):
        await start_stream(sender, packets(1)).done


@pytest.mark.parametrize("first", [0, 2])
async def test_stream_raises_the_exception_of_its_iterator(first: int) -> None:
    def failing() -> Iterator[models.DataPacket]:
        yield from packets(first)
        raise KeyError("no more")

    sender = Sender()
    sender.open()
    with pytest.raises(KeyError):
        await start_stream(sender, failing()).done
    await asyncio.wait_for(start_stream(sender, packets(1)).done, 1)


async def test_pending_sends_raise_when_the_connection_is_closed() -> None:
    sender = Sender()
    single, stream = asyncio.ensure_future(send(sender, packet())), start_stream(sender, packets(5))
    await run_pending_callbacks()
    sender.packets.close()
    with pytest.raises(SessionClosedError):
        await single
    with pytest.raises(SessionClosedError):
        await stream.done


async def test_cancelled_stream_sends_nothing_and_is_never_done() -> None:
    sender = Sender()
    stream = start_stream(sender, packets(5))
    stream.stream.cancel()
    sender.open()
    await run_pending_callbacks()
    assert sender.channel.sent == []
    assert not stream.done.done()


async def test_traffic_is_counted_by_channel_and_direction() -> None:
    sender = Sender()
    sender.open()
    await send(sender, packet(100))
    await send(sender, packet(10), reliable=False)
    sender.packets.receive(packet(1_000).SerializeToString())
    reliable, lossy = sender.packets.counts[True], sender.packets.counts[False]
    assert (reliable.messages_sent, reliable.messages_received, lossy.messages_sent) == (1, 1, 1)
    assert reliable.bytes_sent > 100
    assert reliable.bytes_received > 1_000
    assert 10 < lossy.bytes_sent < 100
