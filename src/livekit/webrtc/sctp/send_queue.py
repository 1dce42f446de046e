"""Messages not yet sent: one FIFO per stream, and round-robin scheduling among streams.

The fragments of a message have consecutive TSNs (RFC 9260 section 6.9), so the scheduler switches streams only between
messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_SSN_MASK = 0xFFFF


class OutboundStream:
    """The send queue of one stream."""

    __slots__ = ("buffered", "low_threshold", "messages", "next_ssn", "on_buffered_amount_low", "stream_id")

    def __init__(self, stream_id: int, on_buffered_amount_low: Callable[[], None] | None = None) -> None:
        self.stream_id = stream_id
        self.messages: deque[Message] = deque()
        self.next_ssn = 0
        self.buffered = 0
        """Payload bytes not yet sent."""
        self.low_threshold = 0
        self.on_buffered_amount_low = on_buffered_amount_low
        """Called after `buffered` has fallen from above `low_threshold` to it or below."""


class Message:
    """A message to send, and its progress."""

    __slots__ = (
        "data",
        "expires_at",
        "lifetime",
        "max_retransmits",
        "offset",
        "on_delivered",
        "ordered",
        "ppid",
        "ssn",
        "stream",
    )

    def __init__(
        self,
        stream: OutboundStream,
        ppid: int,
        data: bytes,
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime: float | None = None,
        on_delivered: Callable[[], None] | None = None,
    ) -> None:
        self.stream = stream
        self.ppid = ppid
        self.data = data
        self.ordered = ordered
        self.max_retransmits = max_retransmits
        self.lifetime = lifetime
        """Seconds from the first transmission until the message is abandoned (RFC 3758 section 4.1)."""
        self.on_delivered = on_delivered
        self.offset = 0
        """Bytes already sent."""
        self.ssn = 0
        self.expires_at: float | None = None

    def should_abandon(self, transmissions: int, now: float) -> bool:
        """Return True if losing a chunk after `transmissions` abandons the message (RFC 3758 sections 3.5, 4.1)."""
        if self.max_retransmits is not None and transmissions > self.max_retransmits:
            return True
        return self.expires_at is not None and now >= self.expires_at


class SendQueue:
    """The messages of all streams, to be sent for the first time."""

    __slots__ = ("_round_robin", "buffered", "low_streams")

    def __init__(self) -> None:
        self._round_robin: deque[OutboundStream] = deque()  # streams with messages; the first one is being sent
        self.buffered = 0
        """Payload bytes of all streams not yet sent."""
        self.low_streams: list[OutboundStream] = []
        """Streams that have fallen to their threshold and await notification."""

    def push(self, message: Message) -> None:
        """Append a message to the queue of its stream."""
        stream = message.stream
        if not stream.messages:
            self._round_robin.append(stream)
        stream.messages.append(message)
        size = len(message.data)
        stream.buffered += size
        self.buffered += size

    def head(self) -> Message | None:
        """Return the message to send from next, or None."""
        return self._round_robin[0].messages[0] if self._round_robin else None

    def begin(self, message: Message, now: float) -> None:
        """Assign the stream sequence number and start the lifetime, before the first fragment is sent."""
        if message.ordered:
            stream = message.stream
            message.ssn = stream.next_ssn
            stream.next_ssn = (message.ssn + 1) & _SSN_MASK
        if message.lifetime is not None:
            message.expires_at = now + message.lifetime

    def advance(self, message: Message, size: int) -> None:
        """Record that `size` bytes of the head have been sent."""
        message.offset += size
        self._release(message.stream, size)
        if message.offset == len(message.data):
            self._finish_message()

    def abandon(self, message: Message) -> None:
        """Drop the unsent rest of a message (RFC 3758 section 3.5, rule A3)."""
        remaining = len(message.data) - message.offset
        if remaining:
            self._release(message.stream, remaining)
            message.offset = len(message.data)
            self._finish_message()

    def discard(self, stream: OutboundStream) -> None:
        """Drop all messages of a stream."""
        if not stream.messages:
            return
        self._round_robin.remove(stream)
        stream.messages.clear()
        self.buffered -= stream.buffered
        stream.buffered = 0

    def notify_buffered_amount_low(self) -> None:
        """Notify the streams that have fallen to their threshold."""
        drained, self.low_streams = self.low_streams, []
        for stream in drained:
            if stream.on_buffered_amount_low is not None:
                stream.on_buffered_amount_low()

    def _release(self, stream: OutboundStream, size: int) -> None:
        self.buffered -= size
        before = stream.buffered
        stream.buffered = after = before - size
        if after <= stream.low_threshold < before and stream.on_buffered_amount_low is not None:
            self.low_streams.append(stream)

    def _finish_message(self) -> None:
        turns = self._round_robin
        stream = turns[0]
        stream.messages.popleft()
        if not stream.messages:
            turns.popleft()
        elif len(turns) > 1:
            turns.rotate(-1)
