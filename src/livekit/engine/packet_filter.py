"""A transformation of each packet before it is sent: recording or encryption. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from livekit.protocol import models

from .interfaces import RELIABLE, PacketSender, PacketStream, QueuedPacket, SendOptions

__all__ = ["PacketFilter"]


class PacketFilter:
    """A `PacketSender` that passes each packet through `transform`, then to `inner`."""

    def __init__(self, inner: PacketSender, transform: Callable[[models.DataPacket], models.DataPacket]) -> None:
        """`transform` returns the packet to send: the one passed in, or another."""
        self._inner = inner
        self._transform = transform

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> QueuedPacket | None:
        return self._inner.send_packet(self._transform(packet), options)

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        return self._inner.send_packets(map(self._transform, packets), options)
