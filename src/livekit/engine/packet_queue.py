"""Schedules single packets and long streams of packets over one data channel. No I/O.

At most `HIGH_WATER` bytes, or the channel's send window if that is smaller, are buffered in the channel: a new packet
waits behind no more than that and one packet. Single packets have priority; after `SINGLES_QUANTUM` bytes of them a
waiting stream sends one packet. Streams are served round-robin.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

from livekit._util.callbacks import ignore
from livekit.errors import OutboxFullError, PacketTooLargeError, SessionClosedError
from livekit.protocol import models
from livekit.webrtc import ChannelError, DataChannel

from .interfaces import Delivered, Sent

__all__ = ["HIGH_WATER", "LOW_WATER", "MAX_QUEUED", "SINGLES_QUANTUM", "OutgoingStream", "PacketQueue"]

logger = logging.getLogger("livekit.engine")

HIGH_WATER = 48 * 1024
"""Bytes in the channel above which packets are queued here; one more stream chunk still keeps it below 64 KiB."""
LOW_WATER = 24 * 1024
"""Bytes in the channel at which sending continues, unless its send window is smaller."""
SINGLES_QUANTUM = 64 * 1024
"""Bytes of single packets that may overtake a waiting stream before it sends a packet."""
MAX_QUEUED = 64 * 1024 * 1024
"""Maximum number of bytes of single packets queued while the connection is slow or lost."""

Entry = tuple[bytes, "Delivered | None", "Sent | None"]
"""A serialized packet and its callbacks."""
Serialize = Callable[[models.DataPacket], bytes]
Prepare = Callable[[bytes, "Delivered | None"], "tuple[bytes, Delivered | None]"]
"""Called with a serialized packet right before it is sent; numbers and keeps it."""


class OutgoingPacket:
    """The handle of a queued single packet."""

    __slots__ = ("_queue",)

    def __init__(self, queue: PacketQueue) -> None:
        self._queue = queue

    def withdraw(self) -> bool:
        return self._queue.withdraw(self)


class OutgoingStream:
    """Packets that are sent one after another at the pace of the channel, read one ahead."""

    def __init__(
        self, packets: Iterator[models.DataPacket], on_delivered: Delivered | None, on_sent: Sent | None
    ) -> None:
        self._packets = packets
        self._on_delivered = on_delivered
        self._on_sent = on_sent
        self._next: bytes | None = None

    def cancel(self) -> None:
        self._next = None
        self._packets = iter(())
        self._on_delivered = None
        self._on_sent = None

    def prefetch(self, serialize: Serialize) -> bool:
        """Read the next packet unless that has been done; return False at the end."""
        if self._next is None:
            try:
                packet = next(self._packets, None)
                self._next = None if packet is None else serialize(packet)
            except Exception as error:
                if self._on_sent is None:
                    logger.exception("a stream of packets raised and ends here")
                self.finish(error)
        return self._next is not None

    def pop(self, serialize: Serialize) -> tuple[Entry, bool]:
        """Return the prefetched packet, and True if more follow."""
        data, self._next = self._next, None
        assert data is not None, "prefetch returned True before"
        if self.prefetch(serialize):
            return (data, None, None), True
        return (data, None if self._on_delivered is None else self._delivered, self._on_sent), False

    def finish(self, error: Exception | None) -> None:
        """End the stream and report the outcome to `on_sent`."""
        on_sent = self._on_sent
        self.cancel()
        if on_sent is not None:
            on_sent(error)

    def _delivered(self) -> None:
        if self._on_delivered is not None:
            self._on_delivered()


class PacketQueue:
    """The send queue of one channel, kept across reconnects."""

    def __init__(self, serialize: Serialize, prepare: Prepare, undo_prepare: Callable[[], None]) -> None:
        """`undo_prepare` is called if a prepared packet could not be sent."""
        self._serialize = serialize
        self._prepare = prepare
        self._undo_prepare = undo_prepare
        self._channel: DataChannel | None = None
        self._singles: OrderedDict[OutgoingPacket, Entry] = OrderedDict()
        self._queued_bytes = 0
        self._streams: deque[OutgoingStream] = deque()
        self._singles_sent = 0
        """Bytes of single packets since a stream sent one."""
        self._is_sending = False

    @property
    def queued_bytes(self) -> int:
        """Bytes of queued single packets."""
        return self._queued_bytes

    def attach(self, channel: DataChannel) -> None:
        """Send on this channel from now on, queued packets first."""
        self._channel = channel
        channel.on_buffered_amount_low = self.send_queued
        self.send_queued()

    def detach(self) -> None:
        """Queue everything until the next `attach`."""
        if self._channel is not None:
            self._channel.on_buffered_amount_low = ignore
            self._channel = None

    def send(
        self, data: bytes, on_delivered: Delivered | None = None, on_sent: Sent | None = None
    ) -> OutgoingPacket | None:
        """Send one serialized packet, or queue it and return its handle.

        Raises:
            OutboxFullError: `MAX_QUEUED` bytes are queued already.
        """
        channel = self._channel
        if channel is not None and not self._singles and not self._is_sending and _has_room(channel):
            if self._streams:
                self._singles_sent += len(data)
            if self._transmit(channel, (data, on_delivered, on_sent)):
                return None
        if self._queued_bytes + len(data) > MAX_QUEUED:
            raise OutboxFullError(
                f"{self._queued_bytes} bytes are queued already; wait until the connection is back, or send less"
            )
        handle = OutgoingPacket(self)
        self._singles[handle] = data, on_delivered, on_sent
        self._queued_bytes += len(data)
        self.send_queued()
        return handle

    def withdraw(self, handle: OutgoingPacket) -> bool:
        """Remove a single packet; return False if it is no longer queued."""
        entry = self._singles.pop(handle, None)
        if entry is None:
            return False
        self._queued_bytes -= len(entry[0])
        return True

    def send_stream(
        self, packets: Iterator[models.DataPacket], on_delivered: Delivered | None = None, on_sent: Sent | None = None
    ) -> OutgoingStream:
        stream = OutgoingStream(packets, on_delivered, on_sent)
        self._streams.append(stream)
        self.send_queued()
        return stream

    def clear(self) -> None:
        """Drop everything queued; `on_sent` callbacks get SessionClosedError."""
        self.detach()
        singles, self._singles, self._queued_bytes = self._singles, OrderedDict(), 0
        streams, self._streams = self._streams, deque()
        closed = SessionClosedError("the room was disconnected before this was sent")
        for _, _, on_sent in singles.values():
            if on_sent is not None:
                on_sent(closed)
        for stream in streams:
            stream.finish(closed)

    def send_queued(self) -> None:
        """Send as much as the channel has room for."""
        if self._is_sending:
            return
        self._is_sending = True
        try:
            while (channel := self._channel) is not None and _has_room(channel):
                if not self._send_next(channel):
                    break
            if channel is not None:  # the send window may have changed since the last time
                channel.buffered_amount_low_threshold = min(LOW_WATER, channel.send_window // 2)
        finally:
            self._is_sending = False

    def _send_next(self, channel: DataChannel) -> bool:
        """Send one packet; return False if nothing is queued, or the channel is closed."""
        if self._singles and not (self._streams and self._singles_sent >= SINGLES_QUANTUM):
            handle, entry = self._singles.popitem(last=False)
            if not self._transmit(channel, entry):
                self._requeue(handle, entry)
                return False
            self._queued_bytes -= len(entry[0])
            self._singles_sent += len(entry[0])
            return True
        self._singles_sent = 0
        while self._streams:
            stream = self._streams.popleft()
            if stream.prefetch(self._serialize):
                return self._send_from(stream, channel)
            stream.finish(None)
        return bool(self._singles)

    def _send_from(self, stream: OutgoingStream, channel: DataChannel) -> bool:
        entry, more = stream.pop(self._serialize)
        if more:
            self._streams.append(stream)
        if self._transmit(channel, entry):
            return True
        self._requeue(OutgoingPacket(self), entry)
        self._queued_bytes += len(entry[0])
        return False

    def _requeue(self, handle: OutgoingPacket, entry: Entry) -> None:
        self._singles[handle] = entry
        self._singles.move_to_end(handle, last=False)

    def _transmit(self, channel: DataChannel, entry: Entry) -> bool:
        """Prepare and send a packet; return False if the channel is closed, so that the packet must be queued."""
        data, on_delivered, on_sent = entry
        try:
            channel.send(*self._prepare(data, on_delivered))
        except ChannelError as error:
            self._undo_prepare()
            if channel.is_open:
                logger.error("dropped a packet of %d bytes: %s", len(data), error)
                if on_sent is not None:
                    on_sent(PacketTooLargeError(str(error)))
                return True
            return False
        if on_sent is not None:
            on_sent(None)
        return True


def _has_room(channel: DataChannel) -> bool:
    buffered = channel.buffered_amount
    return buffered < HIGH_WATER and buffered < channel.send_window
