"""The data channel API of the application (RFC 8831)."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import Protocol

from livekit._util.callbacks import ignore
from livekit.webrtc.interfaces import ChannelError

from . import dcep
from .congestion import CongestionControl
from .constants import MAX_SEND_BUFFER, Ppid
from .send_queue import Message, OutboundStream, SendQueue

logger = logging.getLogger(__name__)

_BINARY = int(Ppid.BINARY)
_STRING = int(Ppid.STRING)


class ChannelState(enum.Enum):
    """State of a channel (W3C WebRTC 1.0, RTCDataChannelState)."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class ChannelOwner(Protocol):
    """The parts of an association that a channel uses; implemented by the channel table."""

    max_message_size: int
    queue: SendQueue
    congestion: CongestionControl
    on_output: Callable[[], None]

    def close(self, channel: Channel) -> None: ...


class Channel:
    """One data channel; implements `DataChannel` of :mod:`livekit.webrtc.interfaces`."""

    def __init__(self, owner: ChannelOwner, parameters: dcep.Open) -> None:
        self._owner = owner
        self.stream = OutboundStream(-1, self._buffered_amount_low)
        self.acked = False
        """The peer knows the channel: it sent DATA_CHANNEL_ACK, or opened it."""
        self.incoming_reset = False
        self.outgoing_reset = False
        self.parameters = parameters
        self.state = ChannelState.CONNECTING
        self.on_open: Callable[[], None] = ignore
        self.on_message: Callable[[bytes], None] = ignore
        self.on_close: Callable[[], None] = ignore
        self.on_buffered_amount_low: Callable[[], None] = ignore

    @property
    def label(self) -> str:
        return self.parameters.label

    @property
    def stream_id(self) -> int | None:
        """Stream identifier; None before the handshake has finished."""
        return self.stream.stream_id if self.stream.stream_id >= 0 else None

    @property
    def is_open(self) -> bool:
        return self.state is ChannelState.OPEN

    @property
    def buffered_amount(self) -> int:
        """Payload bytes accepted by `send` and not yet sent."""
        return self.stream.buffered

    @property
    def send_window(self) -> int:
        """Congestion window in bytes (RFC 9260 section 7.2)."""
        return self._owner.congestion.cwnd

    @property
    def buffered_amount_low_threshold(self) -> int:
        return self.stream.low_threshold

    @buffered_amount_low_threshold.setter
    def buffered_amount_low_threshold(self, value: int) -> None:
        self.stream.low_threshold = value

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None, *, text: bool = False) -> None:
        """Queue a message. It is sent with the next flushes, as the congestion and receiver windows allow.

        Args:
            data: The payload.
            on_delivered: Called once the peer's transport has acknowledged the message and all data sent before it.
                Never called for a message that is abandoned (partial reliability), or whose channel or association
                closes first.
            text: Send a string message (RFC 8831 section 8); `data` must be UTF-8.

        Raises:
            ChannelError: The channel is not open, the message is over the peer's limit, or the send buffer is full.
        """
        owner = self._owner
        size = len(data)
        if self.state is not ChannelState.OPEN:
            raise ChannelError(f"channel {self.label!r} is {self.state.value}, not open")
        if size > owner.max_message_size:
            raise ChannelError(f"a message of {size} bytes is over the peer's limit of {owner.max_message_size} bytes")
        if owner.queue.buffered + size > MAX_SEND_BUFFER:
            raise ChannelError(f"the send buffer of {MAX_SEND_BUFFER} bytes is full: wait for on_buffered_amount_low")
        if size:
            ppid = _STRING if text else _BINARY
        else:
            ppid, data = (Ppid.STRING_EMPTY if text else Ppid.BINARY_EMPTY), b"\0"
        parameters = self.parameters
        ordered = parameters.ordered or not self.acked  # so that DATA_CHANNEL_OPEN arrives first (RFC 8832 section 6)
        lifetime = None if parameters.lifetime_ms is None else parameters.lifetime_ms / 1000
        stream = self.stream
        owner.queue.push(Message(stream, ppid, data, ordered, parameters.max_retransmits, lifetime, on_delivered))
        owner.on_output()

    def close(self) -> None:
        """Send all queued messages, then close both directions; `on_close` follows. Idempotent."""
        self._owner.close(self)

    def _buffered_amount_low(self) -> None:
        call(self.on_buffered_amount_low)


def call(callback: Callable[..., None], *arguments: object) -> None:
    """Call a callback of the application; log its exceptions, so that the association continues."""
    try:
        callback(*arguments)
    except Exception:
        logger.exception("a callback failed")
