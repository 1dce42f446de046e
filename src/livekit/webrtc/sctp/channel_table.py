"""The data channels of an association: opening, receiving, closing (RFC 8831, RFC 8832)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from livekit._util.callbacks import ignore

from . import dcep
from .channel import Channel, ChannelState, call
from .congestion import CongestionControl
from .constants import DEFAULT_PEER_MAX_MESSAGE_SIZE, MAX_CHANNELS, MAX_STREAMS, Ppid
from .reconfig import StreamReset
from .send_queue import Message, SendQueue

logger = logging.getLogger(__name__)

_BINARY = int(Ppid.BINARY)
_STRING = int(Ppid.STRING)


class ChannelTable:
    """The channels of an association, by stream identifier."""

    def __init__(self, queue: SendQueue, congestion: CongestionControl, on_output: Callable[[], None]) -> None:
        self.queue = queue
        self.congestion = congestion
        self.on_output = on_output
        self.max_message_size = DEFAULT_PEER_MAX_MESSAGE_SIZE
        self.on_channel: Callable[[Channel], None] = ignore
        self._opening: list[Channel] = []  # DATA_CHANNEL_OPEN is queued
        self._channels: dict[int, Channel] = {}
        self._pending: list[Channel] = []  # created before the handshake has finished
        self._closing: list[Channel] = []  # to be reset once their messages are sent
        self._reset: StreamReset | None = None
        self._can_reset = False
        self._streams = 0
        self._parity = 0

    def set_role(self, is_client: bool) -> None:
        """Choose our stream identifiers: even for the DTLS client, odd for the server (RFC 8832 section 6)."""
        self._parity = 0 if is_client else 1

    def open(self, parameters: dcep.Open) -> Channel:
        """Create a channel. It opens with the association or, if that is established, with the next flush."""
        channel = Channel(self, parameters)
        if self._reset is None:
            self._pending.append(channel)
        else:
            self._send_open(channel)
        return channel

    def start(self, streams: int, reset: StreamReset, *, can_reset: bool) -> None:
        """Assign streams to the channels created so far; the handshake has negotiated `streams` of them."""
        self._streams = min(streams, MAX_STREAMS)
        self._reset = reset
        self._can_reset = can_reset
        reset.on_incoming_reset = self._incoming_reset
        reset.on_outgoing_reset = self._outgoing_reset
        pending, self._pending = self._pending, []
        for channel in pending:
            self._send_open(channel)

    def prepare_flush(self) -> None:
        """Open channels, and reset the closing ones whose messages are sent."""
        if self._opening:
            self.open_pending()
        if self._closing:
            self._reset_drained()

    def open_pending(self) -> None:
        """Open the channels announced to the peer; they need not wait for its DATA_CHANNEL_ACK (RFC 8832 section 6)."""
        opening, self._opening = self._opening, []
        for channel in opening:
            if channel.state is ChannelState.CONNECTING:
                channel.state = ChannelState.OPEN
                call(channel.on_open)

    def _send_open(self, channel: Channel) -> None:
        free = (one for one in range(self._parity, self._streams, 2) if one not in self._channels)
        stream_id = next(free, None)
        if stream_id is None or len(self._channels) >= MAX_CHANNELS:
            self._finish(channel)
            return
        channel.stream.stream_id = stream_id
        self._channels[stream_id] = channel
        self._opening.append(channel)
        self.queue.push(Message(channel.stream, Ppid.DCEP, channel.parameters.encode()))
        self.on_output()

    # Receiving

    def deliver(self, stream_id: int, ppid: int, data: bytes) -> None:
        """Pass a received message to its channel."""
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
                channel.acked = True
        elif channel is None:
            self._accept(stream_id, message)

    def _accept(self, stream_id: int, parameters: dcep.Open) -> None:
        """Accept a channel of the peer, or reset its stream (RFC 8832 section 6)."""
        assert self._reset is not None  # messages arrive only after `start`
        if stream_id % 2 == self._parity or stream_id >= self._streams or len(self._channels) >= MAX_CHANNELS:
            logger.debug("stream %d: channel of the peer refused", stream_id)
            self._reset.reset(stream_id)
            return
        channel = Channel(self, parameters)
        channel.stream.stream_id = stream_id
        channel.acked = True
        channel.state = ChannelState.OPEN
        self._channels[stream_id] = channel
        self.queue.push(Message(channel.stream, Ppid.DCEP, dcep.ACK))
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
                self._finish(channel)  # queued messages are still sent

    def _reset_drained(self) -> None:
        if self._reset is not None:
            for channel in self._closing:
                if not channel.stream.messages:
                    self._reset.reset(channel.stream.stream_id)
            self._closing = [channel for channel in self._closing if channel.stream.messages]

    def _incoming_reset(self, streams: Sequence[int]) -> None:
        for stream_id in streams or list(self._channels):  # no stream listed: all streams (RFC 6525 section 4.1)
            channel = self._channels.get(stream_id)
            if channel is not None:
                channel.incoming_reset = True
                self.close(channel)
                self._finish_if_reset(channel)

    def _outgoing_reset(self, streams: Sequence[int], performed: bool) -> None:
        for stream_id in streams:
            channel = self._channels.get(stream_id)
            if channel is not None and channel.state is ChannelState.CLOSING:
                channel.outgoing_reset = True
                channel.incoming_reset |= not performed  # the peer refused, so it will not reset its own stream
                self._finish_if_reset(channel)

    def _finish_if_reset(self, channel: Channel) -> None:
        if channel.incoming_reset and channel.outgoing_reset:
            self._finish(channel)

    def _finish(self, channel: Channel) -> None:
        channel.state = ChannelState.CLOSED
        self._channels.pop(channel.stream.stream_id, None)
        call(channel.on_close)

    def close_all(self) -> None:
        """Close all channels at the end of the association."""
        channels = [*self._channels.values(), *self._pending]
        self._channels.clear()
        self._pending.clear()
        self._closing.clear()
        self._opening.clear()
        for channel in channels:
            self.queue.discard(channel.stream)
            self._finish(channel)
