"""Something that happens to each packet on its way to the session: it is recorded, or encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from livekit.protocol import models

from .interfaces import PacketSender, PacketStream, QueuedPacket, Sent


class PacketFilter:
    """A `PacketSender` that hands each packet through `step` before another sends it."""

    def __init__(self, inner: PacketSender, step: Callable[[models.DataPacket], models.DataPacket]) -> None:
        """`step` gives the packet to send in the place of the one it takes, as a rule the same."""
        self._inner = inner
        self._step = step

    def send_packet(
        self,
        packet: models.DataPacket,
        *,
        reliable: bool = True,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> QueuedPacket | None:
        return self._inner.send_packet(
            self._step(packet), reliable=reliable, on_delivered=on_delivered, on_sent=on_sent
        )

    def send_packets(
        self,
        packets: Iterator[models.DataPacket],
        *,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> PacketStream:
        return self._inner.send_packets(map(self._step, packets), on_delivered=on_delivered, on_sent=on_sent)
