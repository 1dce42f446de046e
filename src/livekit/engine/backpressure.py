"""Sending at the pace of the connection, for those who can wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from livekit.protocol import models

from .interfaces import PacketSender, PacketStream, Sent

__all__ = ["Sending", "send", "start_sending"]


async def send(sender: PacketSender, packet: models.DataPacket, *, reliable: bool = True) -> None:
    """Send one packet and wait until it was handed to the channel. Raises as `send_packet` does; cancelling this does
    not take the packet back."""
    await _future(lambda on_sent: sender.send_packet(packet, reliable=reliable, on_sent=on_sent))


@dataclass(frozen=True)
class Sending:
    """Packets on their way to the channel."""

    done: asyncio.Future[None]
    """Done when the last was handed over. It may be dropped: its exception has been seen."""
    stream: PacketStream


def start_sending(sender: PacketSender, packets: Iterator[models.DataPacket]) -> Sending:
    """Send reliable packets in turn with others. Raises as `send_packets` does."""
    streams: list[PacketStream] = []
    done = _future(lambda on_sent: streams.append(sender.send_packets(packets, on_sent=on_sent)))
    return Sending(done, streams[0])


def _future(start: Callable[[Sent], object]) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(_seen)

    def settle(error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    start(settle)
    return future


def _seen(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
