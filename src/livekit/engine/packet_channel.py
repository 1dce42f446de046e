"""Data packets over the `_reliable` and `_lossy` data channels, independent of the session that opened these."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from google.protobuf.message import DecodeError

from livekit._util.aio import loop_time
from livekit._util.callbacks import ignore
from livekit._util.logs import RateLimitedLog
from livekit.errors import PacketTooLargeError
from livekit.protocol import models, rtc
from livekit.webrtc import ChannelError, DataChannel

from .interfaces import RELIABLE, ChannelCounts, Delivered, QueuedPacket, SendOptions
from .packet_queue import OutgoingStream, PacketQueue
from .sequencer import MAX_SEQUENCE_SIZE, ReceiveStates, ResendBuffer

__all__ = ["MAX_PACKET_SIZE", "PacketChannel"]

logger = logging.getLogger("livekit.engine")

_LOSSY = models.DataPacket.Kind.LOSSY

MAX_PACKET_SIZE = 64_000
"""Bytes of a serialized packet that is sent, unless the peer's limit is lower."""


class PacketChannel:
    """Sends packets through one queue per data channel; deduplicates received packets and passes them to `deliver`.

    Outlives the data channels: after a reconnect it is attached to the new ones."""

    def __init__(self, deliver: Callable[[models.DataPacket], None]) -> None:
        self.counts = {True: ChannelCounts(), False: ChannelCounts()}
        """Traffic of the reliable channel (True) and the lossy one (False)."""
        self._deliver = deliver
        self._malformed_log = RateLimitedLog(logger)
        self._max_size = MAX_PACKET_SIZE
        self._sent = ResendBuffer()
        self._received = ReceiveStates()
        self._attached: DataChannel | None = None
        """The last reliable channel."""
        self._reliable = PacketQueue(self._serialize, self._number, self._sent.undo_append)
        self._lossy = PacketQueue(self._serialize, self._count_lossy, ignore)

    def send(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> QueuedPacket | None:
        """Send or queue a packet. Raises PacketTooLargeError, OutboxFullError."""
        if options.reliable:
            return self._reliable.send(self._serialize(packet), options.on_delivered, options.on_sent)
        packet.kind = _LOSSY
        return self._lossy.send(self._serialize(packet), options.on_delivered, options.on_sent)

    def send_stream(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> OutgoingStream:
        return self._reliable.send_stream(packets, options.on_delivered, options.on_sent)

    def attach(self, reliable: DataChannel, lossy: DataChannel, max_message_size: int) -> None:
        """Send on these channels from now on: first the unacknowledged packets of the old ones, then queued ones."""
        self._max_size = min(max_message_size, MAX_PACKET_SIZE)
        if reliable is not self._attached:
            self._attached = reliable
            for sent in self._sent.unacknowledged():
                self._retransmit(sent.data, sent.acknowledge)
        self._reliable.attach(reliable)
        self._lossy.attach(lossy)

    def detach(self) -> None:
        """Queue packets until the next `attach`."""
        self._sent.ignore_acknowledgements()
        self._reliable.detach()
        self._lossy.detach()

    def resumed(self, last_sequence: int) -> None:
        """Retransmit packets acknowledged by the server's transport that the server lost: those after `last_sequence`.

        SCTP still retransmits unacknowledged ones."""
        for sent in self._sent.acknowledged_after(last_sequence):
            self._retransmit(sent.data, sent.acknowledge)

    async def flush(self) -> None:
        """Wait until all reliable packets are acknowledged; indefinitely if the connection is not restored."""
        while (newest := self._sent.newest) is not None and not newest.acknowledged:
            acknowledged = asyncio.Event()
            newest.add_callback(acknowledged.set)
            await acknowledged.wait()

    def close(self) -> None:
        """Drop everything queued."""
        self.detach()
        self._reliable.clear()
        self._lossy.clear()

    def receive_states(self) -> list[rtc.DataChannelReceiveState]:
        """Return the last number received from each sender; the server retransmits later packets."""
        last = self._received.last_sequences(loop_time())
        return [rtc.DataChannelReceiveState(publisher_sid=sid, last_seq=sequence) for sid, sequence in last.items()]

    def receive(self, data: bytes) -> None:
        """Handle a message received on either channel."""
        try:
            packet = models.DataPacket.FromString(data)
        except DecodeError:
            self._malformed_log.warn("no packet", "dropped a message of %d bytes: not a data packet", len(data))
            return
        self.counts[packet.kind != _LOSSY].count_received(len(data))
        sequence = packet.sequence
        if sequence and not self._received.accept(packet.participant_sid, sequence, asyncio.get_running_loop().time()):
            logger.debug("dropped packet %d of %s: a duplicate", sequence, packet.participant_sid)
            return
        self._deliver(packet)

    def _serialize(self, packet: models.DataPacket) -> bytes:
        data = packet.SerializeToString()
        if len(data) + MAX_SEQUENCE_SIZE > self._max_size:
            raise PacketTooLargeError(
                f"a packet of {len(data)} bytes exceeds the connection's limit of "
                f"{self._max_size - MAX_SEQUENCE_SIZE}; send it as a data stream"
            )
        return data

    def _number(self, data: bytes, on_delivered: Delivered | None) -> tuple[bytes, Delivered]:
        self.counts[True].count_sent(len(data))
        sent = self._sent.append(data, on_delivered)
        return sent.data, sent.acknowledge

    def _count_lossy(self, data: bytes, on_delivered: Delivered | None) -> tuple[bytes, Delivered | None]:
        self.counts[False].count_sent(len(data))
        return data, on_delivered

    def _retransmit(self, data: bytes, on_delivered: Delivered) -> None:
        channel = self._attached
        if channel is not None and channel.is_open:
            try:
                channel.send(data, on_delivered)
            except ChannelError as error:
                logger.warning("a packet could not be retransmitted: %s", error)
