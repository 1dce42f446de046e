"""One data channel (RFC 8831), as the application holds it."""

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
    """W3C WebRTC 1.0, RTCDataChannelState."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class ChannelOwner(Protocol):
    """What a channel needs of its association."""

    max_message_size: int
    queue: SendQueue
    congestion: CongestionControl
    on_output: Callable[[], None]

    def close(self, channel: Channel) -> None: ...


class Channel:
    """One data channel; it is the `DataChannel` of :mod:`livekit.webrtc.interfaces`."""

    def __init__(self, owner: ChannelOwner, parameters: dcep.Open) -> None:
        self._owner = owner
        self.stream = OutboundStream(-1, self._buffered_amount_low)
        self.acked = False
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
        """None until the association has begun."""
        return self.stream.stream_id if self.stream.stream_id >= 0 else None

    @property
    def is_open(self) -> bool:
        return self.state is ChannelState.OPEN

    @property
    def buffered_amount(self) -> int:
        """Payload bytes accepted by `send` that have not been put on the wire."""
        return self.stream.buffered

    @property
    def send_window(self) -> int:
        """Bytes that may be in flight (RFC 9260 section 7.2)."""
        return self._owner.congestion.cwnd

    @property
    def buffered_amount_low_threshold(self) -> int:
        return self.stream.low_threshold

    @buffered_amount_low_threshold.setter
    def buffered_amount_low_threshold(self, value: int) -> None:
        self.stream.low_threshold = value

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None, *, text: bool = False) -> None:
        """Queue one message; it goes out with the next flush, as the windows allow.

        `on_delivered` is called once, when the peer's transport has acknowledged the message and all before it; never
        for a message that was given up (partial reliability) or whose channel or association closed first.

        Raises:
            ChannelError: the channel is not open, the message is longer than the peer accepts, or too much waits.
        """
        owner = self._owner
        size = len(data)
        if self.state is not ChannelState.OPEN:
            raise ChannelError(f"channel {self.label!r} is {self.state.value}, not open")
        if size > owner.max_message_size:
            raise ChannelError(f"a message of {size} bytes is over the peer's limit of {owner.max_message_size}")
        if owner.queue.buffered + size > MAX_SEND_BUFFER:
            raise ChannelError(f"more than {MAX_SEND_BUFFER} bytes wait to be sent: wait for on_buffered_amount_low")
        if size:
            ppid = _STRING if text else _BINARY
        else:
            ppid, data = (Ppid.STRING_EMPTY if text else Ppid.BINARY_EMPTY), b"\0"
        parameters = self.parameters
        ordered = parameters.ordered or not self.acked  # RFC 8832 section 6
        lifetime = None if parameters.lifetime_ms is None else parameters.lifetime_ms / 1000
        stream = self.stream
        owner.queue.push(Message(stream, ppid, data, ordered, parameters.max_retransmits, lifetime, on_delivered))
        owner.on_output()

    def close(self) -> None:
        """Send what waits, then close both directions; `on_close` follows. Safe to call twice."""
        self._owner.close(self)

    def _buffered_amount_low(self) -> None:
        call(self.on_buffered_amount_low)


def call(callback: Callable[..., None], *arguments: object) -> None:
    """Call what the application gave us; what it raises must not stop the association."""
    try:
        callback(*arguments)
    except Exception:
        logger.exception("a callback failed")
