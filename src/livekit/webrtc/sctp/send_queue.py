"""Messages that wait to be sent: one queue per stream, the streams served in turn.

The fragments of a message must have consecutive TSNs (RFC 9260 section 6.9), so turns change between messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_SSN_MASK = 0xFFFF


class OutboundStream:
    """What waits on one stream."""

    __slots__ = ("buffered", "low_threshold", "messages", "next_ssn", "on_buffered_amount_low", "stream_id")

    def __init__(self, stream_id: int, on_buffered_amount_low: Callable[[], None] | None = None) -> None:
        self.stream_id = stream_id
        self.messages: deque[Message] = deque()
        self.next_ssn = 0
        self.buffered = 0
        """Payload bytes not yet put on the wire."""
        self.low_threshold = 0
        self.on_buffered_amount_low = on_buffered_amount_low
        """To be called when `buffered` falls to `low_threshold` or below, having been above."""


class Message:
    """A message on its way out."""

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
        """Seconds from the first transmission after which it is given up (RFC 3758 section 4.1)."""
        self.on_delivered = on_delivered
        self.offset = 0
        self.ssn = 0
        self.expires_at: float | None = None

    def should_abandon(self, transmissions: int, now: float) -> bool:
        """A chunk that was sent so often is lost: is that the end of the message (RFC 3758 sections 3.5 and 4.1)?"""
        if self.max_retransmits is not None and transmissions > self.max_retransmits:
            return True
        return self.expires_at is not None and now >= self.expires_at


class SendQueue:
    """All that waits to be sent for the first time."""

    __slots__ = ("_round_robin", "buffered", "low_streams")

    def __init__(self) -> None:
        self._round_robin: deque[OutboundStream] = deque()  # streams that have messages; the first is being served
        self.buffered = 0
        """Payload bytes of all streams not yet put on the wire."""
        self.low_streams: list[OutboundStream] = []
        """Streams whose `on_buffered_amount_low` is to be called."""

    def push(self, message: Message) -> None:
        stream = message.stream
        if not stream.messages:
            self._round_robin.append(stream)
        stream.messages.append(message)
        size = len(message.data)
        stream.buffered += size
        self.buffered += size

    def head(self) -> Message | None:
        """The message to send from next."""
        return self._round_robin[0].messages[0] if self._round_robin else None

    def begin(self, message: Message, now: float) -> None:
        """The first fragment of the head is about to be sent."""
        if message.ordered:
            stream = message.stream
            message.ssn = stream.next_ssn
            stream.next_ssn = (message.ssn + 1) & _SSN_MASK
        if message.lifetime is not None:
            message.expires_at = now + message.lifetime

    def advance(self, message: Message, size: int) -> None:
        """So many bytes of the head were put on the wire."""
        message.offset += size
        self._release(message.stream, size)
        if message.offset == len(message.data):
            self._finish_message()

    def abandon(self, message: Message) -> None:
        """Send no more of a message that was begun."""
        remaining = len(message.data) - message.offset
        if remaining:
            self._release(message.stream, remaining)
            message.offset = len(message.data)
            self._finish_message()

    def discard(self, stream: OutboundStream) -> None:
        """Forget all that waits on a stream."""
        if not stream.messages:
            return
        self._round_robin.remove(stream)
        stream.messages.clear()
        self.buffered -= stream.buffered
        stream.buffered = 0

    def notify_buffered_amount_low(self) -> None:
        """Call `on_buffered_amount_low` of the streams that fell to their threshold."""
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
