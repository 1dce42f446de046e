"""Data packets in both directions: one object between a session and whatever channels it has just now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from google.protobuf.message import DecodeError

from livekit._util.logs import RateLimitedLog
from livekit.errors import PacketTooLargeError
from livekit.protocol import models, rtc
from livekit.webrtc import ChannelError, DataChannel

from .interfaces import ChannelCounts, QueuedPacket, Sent
from .packet_queue import Delivered, OutgoingStream, PacketQueue
from .sequencer import NUMBER_SIZE, ReceiveLog, ResendBuffer

__all__ = ["MAX_PACKET_SIZE", "PacketChannel"]

logger = logging.getLogger("livekit.engine")

_LOSSY = models.DataPacket.Kind.LOSSY

MAX_PACKET_SIZE = 64_000
"""Bytes of a serialised packet that is sent, where the peer does not accept less."""


class PacketChannel:
    """Packets out through two outboxes, packets in through the receive log to `deliver`."""

    def __init__(self, deliver: Callable[[models.DataPacket], None]) -> None:
        self.counts = {True: ChannelCounts(), False: ChannelCounts()}
        """By whether the channel is the reliable one."""
        self._deliver = deliver
        self._garbage = RateLimitedLog(logger)
        self._limit = MAX_PACKET_SIZE
        self._sent = ResendBuffer()
        self._received = ReceiveLog()
        self._attached: DataChannel | None = None
        """The last channel on which reliable packets were sent."""
        self._reliable = PacketQueue(self._serialise, self._number, self._sent.take_back)
        self._lossy = PacketQueue(self._serialise, self._count_lossy, lambda: None)

    def send(
        self, packet: models.DataPacket, reliable: bool, on_delivered: Delivered | None, on_sent: Sent | None = None
    ) -> QueuedPacket | None:
        """Raises PacketTooLargeError, OutboxFullError."""
        if reliable:
            return self._reliable.send(self._serialise(packet), on_delivered, on_sent)
        packet.kind = _LOSSY
        return self._lossy.send(self._serialise(packet), on_delivered, on_sent)

    def send_stream(
        self, packets: Iterator[models.DataPacket], on_delivered: Delivered | None, on_sent: Sent | None = None
    ) -> OutgoingStream:
        return self._reliable.send_stream(packets, on_delivered, on_sent)

    def attach(self, reliable: DataChannel, lossy: DataChannel, max_message_size: int) -> None:
        """Send on these channels from now on: first what the old ones have not confirmed, then what waits."""
        self._limit = min(max_message_size, MAX_PACKET_SIZE)
        if reliable is not self._attached:
            self._attached = reliable
            for sent in self._sent.unconfirmed():
                self._send_again(sent.data, sent.confirm)
        self._reliable.attach(reliable)
        self._lossy.attach(lossy)

    def detach(self) -> None:
        """Keep packets until there are channels again."""
        self._sent.disown()
        self._reliable.detach()
        self._lossy.detach()

    def resumed(self, last_sequence: int) -> None:
        """The server had `last_sequence` last: send again what follows and its transport has confirmed all the same.
        What was not confirmed is on its way still."""
        for sent in self._sent.confirmed_after(last_sequence):
            self._send_again(sent.data, sent.confirm)

    async def flush(self) -> None:
        """Wait until all that was sent reliably is confirmed; for ever if the connection does not come back."""
        while (newest := self._sent.newest) is not None and not newest.is_confirmed:
            confirmed = asyncio.Event()
            newest.tell(confirmed.set)
            await confirmed.wait()

    def close(self) -> None:
        """Drop everything that waits."""
        self.detach()
        self._reliable.clear()
        self._lossy.clear()

    def receive_states(self) -> list[rtc.DataChannelReceiveState]:
        """What was received last, for the server to send again what follows."""
        states = self._received.states(asyncio.get_running_loop().time())
        return [rtc.DataChannelReceiveState(publisher_sid=sid, last_seq=last) for sid, last in states.items()]

    def receive(self, data: bytes) -> None:
        """A message from either channel."""
        try:
            packet = models.DataPacket.FromString(data)
        except DecodeError:
            self._garbage.warn("no packet", "dropped a message of %d bytes that is no data packet", len(data))
            return
        self.counts[packet.kind != _LOSSY].received(len(data))
        sequence = packet.sequence
        if sequence and not self._received.accept(packet.participant_sid, sequence, asyncio.get_running_loop().time()):
            logger.debug("dropped packet %d of %s: it came before", sequence, packet.participant_sid)
            return
        self._deliver(packet)

    def _serialise(self, packet: models.DataPacket) -> bytes:
        data = packet.SerializeToString()
        if len(data) + NUMBER_SIZE > self._limit:
            raise PacketTooLargeError(
                f"a packet of {len(data)} bytes is over the connection's limit of {self._limit - NUMBER_SIZE}; "
                "send it as a data stream"
            )
        return data

    def _number(self, data: bytes, on_delivered: Delivered | None) -> tuple[bytes, Delivered]:
        self.counts[True].sent(len(data))
        sent = self._sent.number(data, on_delivered)
        return sent.data, sent.confirm

    def _count_lossy(self, data: bytes, on_delivered: Delivered | None) -> tuple[bytes, Delivered | None]:
        self.counts[False].sent(len(data))
        return data, on_delivered

    def _send_again(self, data: bytes, on_delivered: Delivered) -> None:
        channel = self._attached
        if channel is not None and channel.is_open:
            try:
                channel.send(data, on_delivered)
            except ChannelError as error:
                logger.warning("a packet could not be sent again: %s", error)
