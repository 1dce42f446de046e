"""Awaitable sending: completes when the data channel has accepted the packets (back-pressure)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from livekit.protocol import models

from .interfaces import PacketSender, PacketStream, SendOptions, Sent

__all__ = ["StreamSend", "send", "start_stream"]


async def send(sender: PacketSender, packet: models.DataPacket, *, reliable: bool = True) -> None:
    """Send one packet and wait until it was passed to the channel.

    Raises as `PacketSender.send_packet` does. Cancellation does not withdraw the packet."""
    await _sent_future(lambda on_sent: sender.send_packet(packet, SendOptions(reliable, on_sent=on_sent)))


@dataclass(frozen=True)
class StreamSend:
    """A stream of packets that is being sent."""

    done: asyncio.Future[None]
    """Done when the last packet was passed to the channel. May be dropped: its exception counts as retrieved."""
    stream: PacketStream


def start_stream(sender: PacketSender, packets: Iterator[models.DataPacket]) -> StreamSend:
    """Start to send reliable packets. Raises as `PacketSender.send_packets` does."""
    streams: list[PacketStream] = []
    done = _sent_future(lambda on_sent: streams.append(sender.send_packets(packets, SendOptions(on_sent=on_sent))))
    return StreamSend(done, streams[0])


def _sent_future(start: Callable[[Sent], object]) -> asyncio.Future[None]:
    """Return the outcome of a send operation that `start` begins."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(_mark_retrieved)

    def on_sent(error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    start(on_sent)
    return future


def _mark_retrieved(future: asyncio.Future[None]) -> None:
    """Keep asyncio from logging the exception of a future that nothing awaits."""
    if not future.cancelled():
        future.exception()
