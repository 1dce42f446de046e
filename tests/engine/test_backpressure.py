from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from livekit.engine.backpressure import send, start_sending
from livekit.engine.interfaces import PacketStream, Sent
from livekit.engine.packet_channel import PacketChannel
from livekit.errors import PacketTooLargeError, SessionClosedError
from livekit.protocol import models
from tests.engine.fake_channel import WireChannel

CHUNK = 15_000


class Sender:
    """A `PacketSender` on a pipe to a channel in memory."""

    def __init__(self) -> None:
        self.pipe = PacketChannel(lambda packet: None)
        self.channel = WireChannel()

    def open(self) -> None:
        self.pipe.attach(self.channel, WireChannel("_lossy"), 65_536)

    def send_packet(
        self,
        packet: models.DataPacket,
        *,
        reliable: bool = True,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> None:
        self.pipe.send(packet, reliable, on_delivered, on_sent)

    def send_packets(
        self,
        packets: Iterator[models.DataPacket],
        *,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> PacketStream:
        return self.pipe.send_stream(packets, on_delivered, on_sent)


def packet(size: int = CHUNK) -> models.DataPacket:
    return models.DataPacket(user=models.UserPacket(payload=bytes(size)))


def packets(count: int) -> Iterator[models.DataPacket]:
    return (packet() for _ in range(count))


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_packet_is_sent_when_the_channel_has_room() -> None:
    sender = Sender()
    waiting = asyncio.ensure_future(send(sender, packet()))
    await turn()
    assert not waiting.done()
    sender.open()
    await asyncio.wait_for(waiting, 1)
    for _ in range(3):
        await send(sender, packet())
    waiting = asyncio.ensure_future(send(sender, packet()))
    await turn()
    assert not waiting.done(), "the channel is full"
    sender.channel.drain()
    await asyncio.wait_for(waiting, 1)


async def test_many_packets_are_done_with_the_last() -> None:
    sender = Sender()
    sender.open()
    sending = start_sending(sender, packets(10))
    while not sending.done.done():
        assert len(sender.channel.sent) < 10
        sender.channel.drain()
    await sending.done
    assert len(sender.channel.sent) == 10


async def test_no_packets_are_done_in_their_turn() -> None:
    sender = Sender()
    sender.open()
    await asyncio.wait_for(start_sending(sender, packets(0)).done, 1)


async def test_too_large_is_told_at_once() -> None:
    sender = Sender()
    with pytest.raises(PacketTooLargeError):
        await send(sender, packet(64_000))


async def test_too_large_for_the_channel_is_told_when_its_turn_comes() -> None:
    sender = Sender()
    sender.channel = WireChannel(max_size=1_000)
    sender.open()
    with pytest.raises(PacketTooLargeError):
        await send(sender, packet())
    with pytest.raises(PacketTooLargeError):
        await start_sending(sender, packets(1)).done


@pytest.mark.parametrize("begin", [0, 2])
async def test_what_the_iterator_raises_is_told(begin: int) -> None:
    def failing() -> Iterator[models.DataPacket]:
        yield from packets(begin)
        raise KeyError("no more")

    sender = Sender()
    sender.open()
    with pytest.raises(KeyError):
        await start_sending(sender, failing()).done
    await asyncio.wait_for(start_sending(sender, packets(1)).done, 1)


async def test_the_end_of_the_session_is_told() -> None:
    sender = Sender()
    single, stream = asyncio.ensure_future(send(sender, packet())), start_sending(sender, packets(5))
    await turn()
    sender.pipe.close()
    with pytest.raises(SessionClosedError):
        await single
    with pytest.raises(SessionClosedError):
        await stream.done


async def test_what_is_cancelled_tells_nobody() -> None:
    sender = Sender()
    stream = start_sending(sender, packets(5))
    stream.stream.cancel()
    sender.open()
    await turn()
    assert sender.channel.sent == []
    assert not stream.done.done()


async def test_counts_of_what_passed() -> None:
    sender = Sender()
    sender.open()
    await send(sender, packet(100))
    await send(sender, packet(10), reliable=False)
    sender.pipe.receive(packet(1_000).SerializeToString())
    reliable, lossy = sender.pipe.counts[True], sender.pipe.counts[False]
    assert (reliable.messages_sent, reliable.messages_received, lossy.messages_sent) == (1, 1, 1)
    assert reliable.bytes_sent > 100
    assert reliable.bytes_received > 1_000
    assert 10 < lossy.bytes_sent < 100
