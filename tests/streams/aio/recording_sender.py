"""A `PacketSender` that records packets."""

from __future__ import annotations

from collections.abc import Iterator

from livekit.engine.interfaces import RELIABLE, SendOptions, Sent
from livekit.errors import SessionClosedError
from livekit.protocol import models


class RecordingSender:
    """Records packets. Streams are sent at once, or held back until `flush` while `paused`."""

    def __init__(self) -> None:
        self.sent: list[models.DataPacket] = []
        self.closed = False
        self.paused = False
        self.error: Exception | None = None
        """Reported for the next stream instead of sending it."""
        self._held: list[HeldStream] = []

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> None:
        if self.closed:
            raise SessionClosedError("closed")
        self.sent.append(packet)

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> HeldStream:
        if self.closed:
            raise SessionClosedError("closed")
        assert options.on_sent is not None
        stream = HeldStream(self, packets, options.on_sent)
        if self.paused:
            self._held.append(stream)
        else:
            stream.send(self.error)
        return stream

    def flush(self) -> None:
        """Send the streams held back."""
        held, self._held = self._held, []
        for stream in held:
            stream.send(None)

    def kinds(self) -> list[str]:
        """Return the kinds of the packets sent."""
        return [str(packet.WhichOneof("value")) for packet in self.sent]

    def content(self) -> bytes:
        """Return the content of the chunks sent."""
        return b"".join(packet.stream_chunk.content for packet in self.sent)


class HeldStream:
    """A stream of packets, sent as a whole."""

    def __init__(self, sender: RecordingSender, packets: Iterator[models.DataPacket], on_sent: Sent) -> None:
        self.cancelled = False
        self._sender = sender
        self._packets = packets
        self._on_sent = on_sent

    def send(self, error: Exception | None) -> None:
        """Send all packets, or report `error`."""
        if self.cancelled:
            return
        if error is None:
            self._sender.sent.extend(self._packets)
        self._on_sent(error)

    def cancel(self) -> None:
        self.cancelled = True
