"""Data channels over SCTP streams (RFC 8831, RFC 8832)."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Sequence

from livekit.webrtc.port import ChannelError

from . import dcep
from .constants import DEFAULT_PEER_MAX_MESSAGE_SIZE, MAX_CHANNELS, MAX_SEND_BUFFER, MAX_STREAMS, Ppid
from .reconfig import StreamReset
from .send_queue import Message, OutboundStream, SendQueue

logger = logging.getLogger(__name__)

_BINARY = int(Ppid.BINARY)
_STRING = int(Ppid.STRING)


class ChannelState(enum.Enum):
    """W3C WebRTC 1.0, RTCDataChannelState."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


def _nothing(*_: object) -> None:
    pass


class Channel:
    """One data channel; it is the `DataChannel` of :mod:`livekit.webrtc.port`."""

    def __init__(self, table: ChannelTable, parameters: dcep.Open) -> None:
        self._table = table
        self._stream = OutboundStream(-1, self._buffered_amount_low)
        self._acked = False
        self._incoming_reset = False
        self._outgoing_reset = False
        self.parameters = parameters
        self.state = ChannelState.CONNECTING
        self.on_open: Callable[[], None] = _nothing
        self.on_message: Callable[[bytes], None] = _nothing
        self.on_close: Callable[[], None] = _nothing
        self.on_buffered_amount_low: Callable[[], None] = _nothing

    @property
    def label(self) -> str:
        return self.parameters.label

    @property
    def stream_id(self) -> int | None:
        """None until the association has begun."""
        return self._stream.stream_id if self._stream.stream_id >= 0 else None

    @property
    def is_open(self) -> bool:
        return self.state is ChannelState.OPEN

    @property
    def buffered_amount(self) -> int:
        """Payload bytes accepted by `send` that have not been put on the wire."""
        return self._stream.buffered

    @property
    def buffered_amount_low_threshold(self) -> int:
        return self._stream.low_threshold

    @buffered_amount_low_threshold.setter
    def buffered_amount_low_threshold(self, value: int) -> None:
        self._stream.low_threshold = value

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None, *, text: bool = False) -> None:
        """Queue one message; it goes out with the next flush, as the windows allow.

        `on_delivered` is called once, when the peer's transport has acknowledged the message and all before it; never
        for a message that was given up (partial reliability) or whose channel or association closed first.

        Raises:
            ChannelError: the channel is not open, the message is longer than the peer accepts, or too much waits.
        """
        table = self._table
        size = len(data)
        if self.state is not ChannelState.OPEN:
            raise ChannelError(f"channel {self.label!r} is {self.state.value}, not open")
        if size > table.max_message_size:
            raise ChannelError(f"a message of {size} bytes is over the peer's limit of {table.max_message_size}")
        if table.queue.buffered + size > MAX_SEND_BUFFER:
            raise ChannelError(f"more than {MAX_SEND_BUFFER} bytes wait to be sent: wait for on_buffered_amount_low")
        if size:
            ppid = _STRING if text else _BINARY
        else:
            ppid, data = (Ppid.STRING_EMPTY if text else Ppid.BINARY_EMPTY), b"\0"
        parameters = self.parameters
        ordered = parameters.ordered or not self._acked  # RFC 8832 section 6
        lifetime = None if parameters.lifetime_ms is None else parameters.lifetime_ms / 1000
        stream = self._stream
        table.queue.push(Message(stream, ppid, data, ordered, parameters.max_retransmits, lifetime, on_delivered))
        table.on_output()

    def close(self) -> None:
        """Send what waits, then close both directions; `on_close` follows. Safe to call twice."""
        self._table.close(self)

    def _buffered_amount_low(self) -> None:
        call(self.on_buffered_amount_low)


class ChannelTable:
    """All channels of an association, by stream."""

    def __init__(self, queue: SendQueue, on_output: Callable[[], None]) -> None:
        self.queue = queue
        self.on_output = on_output
        self.max_message_size = DEFAULT_PEER_MAX_MESSAGE_SIZE
        self.on_channel: Callable[[Channel], None] = _nothing
        self.opening: list[Channel] = []
        """Announced, not yet open."""
        self._channels: dict[int, Channel] = {}
        self._pending: list[Channel] = []  # opened before the association
        self._closing: list[Channel] = []  # not yet reset, as messages wait
        self._reset: StreamReset | None = None
        self._can_reset = False
        self._streams = 0
        self._parity = 0

    def set_role(self, is_client: bool) -> None:
        """The DTLS client uses even streams, the server odd ones (RFC 8832 section 6)."""
        self._parity = 0 if is_client else 1

    def open(self, parameters: dcep.Open) -> Channel:
        """A new channel. It opens when the association is established, or with the next flush if it is already."""
        channel = Channel(self, parameters)
        if self._reset is None:
            self._pending.append(channel)
        else:
            self._announce(channel)
        return channel

    def begin(self, streams: int, reset: StreamReset, *, can_reset: bool) -> None:
        """The handshake has told how many streams there are: the waiting channels can be announced."""
        self._streams = min(streams, MAX_STREAMS)
        self._reset = reset
        self._can_reset = can_reset
        reset.on_incoming_reset = self._incoming_reset
        reset.on_outgoing_reset = self._outgoing_reset
        pending, self._pending = self._pending, []
        for channel in pending:
            self._announce(channel)

    def open_announced(self) -> None:
        """Data may flow: the opener need not wait for the ACK (RFC 8832 section 6)."""
        opening, self.opening = self.opening, []
        for channel in opening:
            if channel.state is ChannelState.CONNECTING:
                channel.state = ChannelState.OPEN
                call(channel.on_open)

    def _announce(self, channel: Channel) -> None:
        free = (one for one in range(self._parity, self._streams, 2) if one not in self._channels)
        stream_id = next(free, None)
        if stream_id is None or len(self._channels) >= MAX_CHANNELS:
            self._finish(channel)
            return
        channel._stream.stream_id = stream_id
        self._channels[stream_id] = channel
        self.opening.append(channel)
        self.queue.push(Message(channel._stream, Ppid.DCEP, channel.parameters.encode()))
        self.on_output()

    # Receiving

    def deliver(self, stream_id: int, ppid: int, data: bytes) -> None:
        """A message has arrived."""
        channel = self._channels.get(stream_id)
        if channel is None or (ppid != _BINARY and ppid != _STRING):
            self._deliver_special(stream_id, channel, ppid, data)
        elif channel.state is ChannelState.OPEN:
            try:
                channel.on_message(data)
            except Exception:
                logger.exception("on_message of channel %r failed", channel.label)

    def _deliver_special(self, stream_id: int, channel: Channel | None, ppid: int, data: bytes) -> None:
        if ppid == Ppid.DCEP:
            self._receive_dcep(stream_id, channel, data)
        elif ppid in (Ppid.BINARY_EMPTY, Ppid.STRING_EMPTY) and channel is not None and channel.is_open:
            call(channel.on_message, b"")

    def _receive_dcep(self, stream_id: int, channel: Channel | None, data: bytes) -> None:
        try:
            message = dcep.parse(data)
        except dcep.DcepError as error:
            logger.debug("stream %d: %s", stream_id, error)
            return
        if message is None:
            if channel is not None:
                channel._acked = True
        elif channel is None:
            self._accept(stream_id, message)

    def _accept(self, stream_id: int, parameters: dcep.Open) -> None:
        """The peer opens a channel (RFC 8832 section 6)."""
        if self._reset is None:
            return
        if stream_id % 2 == self._parity or stream_id >= self._streams or len(self._channels) >= MAX_CHANNELS:
            logger.debug("stream %d: channel refused", stream_id)
            self._reset.reset(stream_id)
            return
        channel = Channel(self, parameters)
        channel._stream.stream_id = stream_id
        channel._acked = True
        channel.state = ChannelState.OPEN
        self._channels[stream_id] = channel
        self.queue.push(Message(channel._stream, Ppid.DCEP, dcep.ACK))
        call(self.on_channel, channel)

    # Closing (RFC 8831 section 6.7)

    def close(self, channel: Channel) -> None:
        if channel.state is ChannelState.CONNECTING and channel in self._pending:
            self._pending.remove(channel)
            self._finish(channel)
        elif channel.state in (ChannelState.CONNECTING, ChannelState.OPEN):
            channel.state = ChannelState.CLOSING
            if self._can_reset:
                self._closing.append(channel)
                self.on_output()
            else:
                self._finish(channel)  # what waits is still sent

    def reset_drained(self) -> None:
        """Reset the streams of closing channels on which nothing waits any more."""
        if self._closing and self._reset is not None:
            for channel in self._closing:
                if not channel._stream.messages:
                    self._reset.reset(channel._stream.stream_id)
            self._closing = [channel for channel in self._closing if channel._stream.messages]

    def _incoming_reset(self, streams: Sequence[int]) -> None:
        for stream_id in streams or list(self._channels):  # none named: all (RFC 6525 section 4.1)
            channel = self._channels.get(stream_id)
            if channel is not None:
                channel._incoming_reset = True
                self.close(channel)
                self._finish_if_reset(channel)

    def _outgoing_reset(self, streams: Sequence[int], performed: bool) -> None:
        for stream_id in streams:
            channel = self._channels.get(stream_id)
            if channel is not None and channel.state is ChannelState.CLOSING:
                channel._outgoing_reset = True
                channel._incoming_reset |= not performed  # the peer will not take part
                self._finish_if_reset(channel)

    def _finish_if_reset(self, channel: Channel) -> None:
        if channel._incoming_reset and channel._outgoing_reset:
            self._finish(channel)

    def _finish(self, channel: Channel) -> None:
        channel.state = ChannelState.CLOSED
        self._channels.pop(channel._stream.stream_id, None)
        call(channel.on_close)

    def close_all(self) -> None:
        """The association is gone."""
        channels = [*self._channels.values(), *self._pending]
        self._channels.clear()
        self._pending.clear()
        self._closing.clear()
        self.opening.clear()
        for channel in channels:
            self.queue.discard(channel._stream)
            self._finish(channel)


def call(callback: Callable[..., None], *arguments: object) -> None:
    """Call what the application gave us; what it raises must not stop the association."""
    try:
        callback(*arguments)
    except Exception:
        logger.exception("a callback failed")
