"""Loopback of packets addressed to the local participant, for calls to one's own identity."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from livekit.engine.interfaces import RELIABLE, PacketSender, PacketStream, QueuedPacket, SendOptions
from livekit.protocol import models


class LoopbackSender:
    """Sends packets through `inner`; delivers packets addressed to us alone on the next loop iteration.

    Implements `PacketSender`.
    """

    def __init__(self, inner: PacketSender, receive: Callable[[models.DataPacket], None]) -> None:
        self.identity = ""
        """Our own identity; empty disables the loopback."""
        self._inner = inner
        self._receive = receive
        self._loop = asyncio.get_running_loop()

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> QueuedPacket | None:
        """Send a packet, or deliver it to ourselves."""
        if not self._is_to_self(packet):
            return self._inner.send_packet(packet, options)
        packet.participant_identity = self.identity
        self._loop.call_soon(self._receive, packet)
        self._report_sent(options)
        return None

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        """Send packets of one destination, or deliver them to ourselves."""
        first = next(packets)
        if not self._is_to_self(first):
            return self._inner.send_packets(_chain(first, packets), options)
        for packet in _chain(first, packets):
            self.send_packet(packet)
        self._report_sent(options)
        return _Sent()

    def _report_sent(self, options: SendOptions) -> None:
        if options.on_delivered is not None:
            self._loop.call_soon(options.on_delivered)
        if options.on_sent is not None:
            options.on_sent(None)

    def _is_to_self(self, packet: models.DataPacket) -> bool:
        destinations = packet.destination_identities
        return len(destinations) == 1 and destinations[0] == self.identity != ""


class _Sent:
    """A stream that was sent at once. Implements `PacketStream`."""

    def cancel(self) -> None:
        """Do nothing: all packets have been sent."""


def _chain(first: models.DataPacket, rest: Iterator[models.DataPacket]) -> Iterator[models.DataPacket]:
    yield first
    yield from rest
