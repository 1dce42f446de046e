"""Sending at the pace of the connection, for those who can wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from livekit._aio import within
from livekit.protocol import models

from .port import PacketSender, PacketStream, Sent

__all__ = ["DeliveryWatch", "Sending", "send", "start_sending"]


async def send(sender: PacketSender, packet: models.DataPacket, *, reliable: bool = True) -> None:
    """Send one packet and wait until it was handed to the channel. Raises as `send_packet` does; cancelling this does
    not take the packet back."""
    await _future(lambda on_sent: sender.send_packet(packet, reliable=reliable, on_sent=on_sent))


class DeliveryWatch:
    """A `PacketSender` that knows whether what was sent reliably has arrived at the server."""

    def __init__(self, inner: PacketSender) -> None:
        self._inner = inner
        self._under_way = 0
        self._arrived = asyncio.Event()

    async def arrived(self, timeout: float) -> None:
        """Wait until everything has arrived, but not longer than `timeout` seconds."""
        if self._under_way:
            self._arrived.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await within(timeout, _wait(self._arrived))

    def send_packet(
        self,
        packet: models.DataPacket,
        *,
        reliable: bool = True,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> None:
        if not reliable:
            self._inner.send_packet(packet, reliable=False, on_delivered=on_delivered, on_sent=on_sent)
            return
        self._inner.send_packet(packet, on_delivered=partial(self._delivered, on_delivered), on_sent=on_sent)
        self._under_way += 1

    def send_packets(
        self,
        packets: Iterator[models.DataPacket],
        *,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> PacketStream:
        stream = self._inner.send_packets(packets, on_delivered=partial(self._delivered, on_delivered), on_sent=on_sent)
        self._under_way += 1
        return stream

    def _delivered(self, on_delivered: Callable[[], None] | None) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._arrived.set()
        if on_delivered is not None:
            on_delivered()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


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
