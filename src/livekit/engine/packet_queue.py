"""Which packet goes next: single packets and long streams of packets share one channel. No I/O of its own.

The channel is kept short of `HIGH_WATER` bytes, and of what the path takes at a time if that is less: whatever comes
next waits behind no more than that and one packet. Single packets go first; a stream packet has its turn after
`SINGLES_TURN` bytes of them. Streams go round robin.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

from livekit._util.callbacks import ignore
from livekit.errors import OutboxFullError, PacketTooLargeError, SessionClosedError
from livekit.protocol import models
from livekit.webrtc import ChannelError, DataChannel

from .interfaces import Sent

__all__ = ["HIGH_WATER", "LOW_WATER", "MAX_QUEUED", "SINGLES_TURN", "OutboxFullError", "OutgoingStream", "PacketQueue"]

logger = logging.getLogger("livekit.engine")

HIGH_WATER = 48 * 1024
"""Bytes in the channel above which packets wait here; one stream chunk above it is still below 64 KiB."""
LOW_WATER = 24 * 1024
"""Bytes in the channel at which the next ones are handed over, unless the path takes less at a time."""
SINGLES_TURN = 64 * 1024
"""Bytes of single packets that may overtake a waiting stream before it has a turn."""
MAX_QUEUED = 64 * 1024 * 1024
"""Bytes of single packets that wait here, while the connection is slow or away."""

Delivered = Callable[[], None]
Single = tuple[bytes, "Delivered | None", "Sent | None"]
"""A serialised packet, and who is told when it was delivered and when it was sent."""
Serialise = Callable[[models.DataPacket], bytes]
Frame = Callable[[bytes, "Delivered | None"], "tuple[bytes, Delivered | None]"]
"""What happens to a serialised packet when its turn comes: it is numbered and kept."""


class OutgoingPacket:
    """The handle of a single packet that waits here."""

    __slots__ = ("_outbox",)

    def __init__(self, outbox: PacketQueue) -> None:
        self._outbox = outbox

    def withdraw(self) -> bool:
        return self._outbox.withdraw(self)


class OutgoingStream:
    """Packets that are sent one after another at the pace of the channel."""

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

    def prime(self, serialise: Serialise) -> bool:
        """Have the next packet at hand; False when there is none."""
        if self._next is None:
            try:
                packet = next(self._packets, None)
                self._next = None if packet is None else serialise(packet)
            except Exception as error:
                if self._on_sent is None:
                    logger.exception("a stream of packets failed and ends here")
                self.end(error)
        return self._next is not None

    def take(self, serialise: Serialise) -> tuple[Single, bool]:
        """The packet at hand, and whether more follow."""
        data, self._next = self._next, None
        assert data is not None, "take follows a prime that said True"
        if self.prime(serialise):
            return (data, None, None), True
        return (data, None if self._on_delivered is None else self._delivered, self._on_sent), False

    def end(self, error: Exception | None) -> None:
        """No packet follows."""
        on_sent = self._on_sent
        self.cancel()
        if on_sent is not None:
            on_sent(error)

    def _delivered(self) -> None:
        if self._on_delivered is not None:
            self._on_delivered()


class PacketQueue:
    """The queue before one channel."""

    def __init__(self, serialise: Serialise, frame: Frame, unframe: Callable[[], None]) -> None:
        self._serialise = serialise
        self._frame = frame
        self._unframe = unframe
        self._channel: DataChannel | None = None
        self._singles: OrderedDict[OutgoingPacket, Single] = OrderedDict()
        self._queued = 0
        self._streams: deque[OutgoingStream] = deque()
        self._overtaken = 0
        self._pumping = False

    @property
    def queued(self) -> int:
        """Bytes of single packets that wait."""
        return self._queued

    def attach(self, channel: DataChannel) -> None:
        """Send on this channel from now on, what waits first."""
        self._channel = channel
        channel.on_buffered_amount_low = self.pump
        self.pump()

    def detach(self) -> None:
        """Keep everything until there is a channel again."""
        if self._channel is not None:
            self._channel.on_buffered_amount_low = ignore
            self._channel = None

    def send(
        self, data: bytes, on_delivered: Delivered | None = None, on_sent: Sent | None = None
    ) -> OutgoingPacket | None:
        """Send one serialised packet, or queue it; returns its handle if it was queued.

        Raises:
            OutboxFullError: `MAX_QUEUED` bytes wait already.
        """
        channel = self._channel
        if channel is not None and not self._singles and not self._pumping and _has_room(channel):
            if self._streams:
                self._overtaken += len(data)
            if self._hand_over(channel, (data, on_delivered, on_sent)):
                return None
        if self._queued + len(data) > MAX_QUEUED:
            raise OutboxFullError(f"{self._queued} bytes wait to be sent already; wait for the connection or send less")
        handle = OutgoingPacket(self)
        self._singles[handle] = data, on_delivered, on_sent
        self._queued += len(data)
        self.pump()
        return handle

    def withdraw(self, handle: OutgoingPacket) -> bool:
        """Take a single packet back; False if it does not wait any more."""
        single = self._singles.pop(handle, None)
        if single is None:
            return False
        self._queued -= len(single[0])
        return True

    def send_stream(
        self, packets: Iterator[models.DataPacket], on_delivered: Delivered | None, on_sent: Sent | None = None
    ) -> OutgoingStream:
        stream = OutgoingStream(packets, on_delivered, on_sent)
        self._streams.append(stream)
        self.pump()
        return stream

    def clear(self) -> None:
        """Drop everything that waits."""
        self.detach()
        singles, self._singles, self._queued = self._singles, OrderedDict(), 0
        streams, self._streams = self._streams, deque()
        closed = SessionClosedError("the room was disconnected before this was sent")
        for _, _, on_sent in singles.values():
            if on_sent is not None:
                on_sent(closed)
        for stream in streams:
            stream.end(closed)

    def pump(self) -> None:
        """Hand over what the channel has room for."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while (channel := self._channel) is not None and _has_room(channel):
                if not self._pump_one(channel):
                    break
            if channel is not None:  # half of what it may hold, which may have changed since the last time
                channel.buffered_amount_low_threshold = min(LOW_WATER, channel.send_window // 2)
        finally:
            self._pumping = False

    def _pump_one(self, channel: DataChannel) -> bool:
        """Hand over one packet; False if none was."""
        if self._singles and not (self._streams and self._overtaken >= SINGLES_TURN):
            handle, single = self._singles.popitem(last=False)
            if not self._hand_over(channel, single):
                self._put_first(handle, single)
                return False
            self._queued -= len(single[0])
            self._overtaken += len(single[0])
            return True
        self._overtaken = 0
        while self._streams:
            stream = self._streams.popleft()
            if stream.prime(self._serialise):
                return self._send_from(stream, channel)
            stream.end(None)
        return bool(self._singles)

    def _send_from(self, stream: OutgoingStream, channel: DataChannel) -> bool:
        single, more = stream.take(self._serialise)
        if more:
            self._streams.append(stream)
        if self._hand_over(channel, single):
            return True
        self._put_first(OutgoingPacket(self), single)
        self._queued += len(single[0])
        return False

    def _put_first(self, handle: OutgoingPacket, single: Single) -> None:
        self._singles[handle] = single
        self._singles.move_to_end(handle, last=False)

    def _hand_over(self, channel: DataChannel, single: Single) -> bool:
        """Number and send; False if the channel is gone, which leaves the packet with the caller."""
        data, on_delivered, on_sent = single
        try:
            channel.send(*self._frame(data, on_delivered))
        except ChannelError as error:
            self._unframe()
            if channel.is_open:
                logger.error("a packet of %d bytes is dropped: %s", len(data), error)
                if on_sent is not None:
                    on_sent(PacketTooLargeError(str(error)))
                return True
            return False
        if on_sent is not None:
            on_sent(None)
        return True


def _has_room(channel: DataChannel) -> bool:
    return channel.buffered_amount < min(HIGH_WATER, channel.send_window)
