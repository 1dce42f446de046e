"""The interface between a room and its connection.

An engine manages one connection's lifecycle: it joins, keeps the connection alive, resumes or reconnects it, and
carries signal messages and data packets. The room above it has no sockets; an in-memory room is the same room on
another engine. :func:`livekit.engine.create_engine` chooses the engine by the scheme of the URL.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from livekit._util.callbacks import ignore
from livekit.protocol import models, rtc

if TYPE_CHECKING:
    from .media import MediaTransport

__all__ = [
    "LOSSY",
    "RELIABLE",
    "ChannelCounts",
    "Delivered",
    "Engine",
    "EngineListener",
    "EngineState",
    "MediaHooks",
    "PacketSender",
    "PacketStream",
    "QueuedPacket",
    "SendOptions",
    "Sent",
]


class EngineState(enum.Enum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    """The transport was lost; the server may be about to disconnect us. Soon followed by RECONNECTING or DISCONNECTED.
    Packets are queued."""
    RECONNECTING = "reconnecting"
    """The connection was lost and is being resumed or reconnected. Packets are still sent while the peer connections
    live, and queued otherwise."""
    DISCONNECTED = "disconnected"
    """Final."""


@dataclass
class ChannelCounts:
    """Messages and bytes of one data channel, in both directions."""

    messages_sent: int = 0
    bytes_sent: int = 0
    messages_received: int = 0
    bytes_received: int = 0

    def count_sent(self, size: int) -> None:
        self.messages_sent += 1
        self.bytes_sent += size

    def count_received(self, size: int) -> None:
        self.messages_received += 1
        self.bytes_received += size


class EngineListener(Protocol):
    """Callbacks of an engine. Called on the event loop, never concurrently, never re-entrantly from `send_*`."""

    def on_joined(self, join: rtc.JoinResponse, *, rejoined: bool) -> None:
        """The server admitted us. `rejoined`: after a full reconnect, with a new participant sid."""
        ...

    def on_signal(self, message: rtc.SignalResponse) -> None:
        """A signal message that the engine does not handle itself: update, room_update, request_response, ….

        It does handle join, reconnect, answer, offer, trickle, pong and pong_resp, which are not passed on."""
        ...

    def on_packet(self, packet: models.DataPacket) -> None:
        """A decoded data packet; reliable ones in the sender's order and without duplicates."""
        ...

    def on_state(self, state: EngineState, reason: models.DisconnectReason) -> None:
        """The state changed. `reason` is that of DISCONNECTED, and UNKNOWN_REASON for other states."""
        ...


@dataclass
class MediaHooks:
    """Callbacks of a room that publishes and receives audio and video."""

    on_transport: Callable[[MediaTransport], None] = ignore
    """Called with each session's `Engine.media` when it is first used: by the room, or because the server requires
    it."""
    on_sync: Callable[[rtc.SyncState], None] = ignore
    """Adds the room's tracks and subscriptions to the state that a resume sends to the server."""


Delivered = Callable[[], None]
"""Called once, when the transport has acknowledged the packet; when it was sent, if the transport cannot know."""

Sent = Callable[["Exception | None"], None]
"""Called once: with None when the packet was passed to the data channel, or with the error that prevented it."""


@dataclass(slots=True, eq=False)
class SendOptions:
    """Options of `PacketSender`, passed by reference through all layers. Treat as immutable."""

    reliable: bool = True
    """False to send on the lossy channel: unordered and without retransmission."""
    on_delivered: Delivered | None = None
    on_sent: Sent | None = None
    """May be called before `send_packet` returns; also called with the error when the engine is closed."""


RELIABLE = SendOptions()
LOSSY = SendOptions(reliable=False)


class PacketSender(Protocol):
    """Sends data packets. :mod:`livekit.engine.backpressure` awaits them."""

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> QueuedPacket | None:
        """Number and send one packet, never blocking. While disconnected it is queued and sent later, in order.

        Returns:
            A handle if the packet is queued and can still be withdrawn.

        Raises:
            PacketTooLargeError: the serialized packet exceeds the connection's limit.
            OutboxFullError: too many bytes are queued already.
            SessionClosedError: the engine is DISCONNECTED.
        """
        ...

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        """Send packets in order on the reliable channel, at the pace of the connection.

        The iterator is advanced only when the channel has room. Streams are served round-robin among themselves and
        with single packets, so that a long one causes no head-of-line blocking. The callbacks apply to the last packet;
        `on_sent` is also called with an exception that the iterator raised, which ends the stream.

        Raises:
            SessionClosedError: the engine is DISCONNECTED.
        """
        ...


class QueuedPacket(Protocol):
    """The handle of a queued packet."""

    def withdraw(self) -> bool:
        """Remove the packet from the queue without calling its callbacks. Returns False if it was sent already."""
        ...


class PacketStream(Protocol):
    """The handle of `send_packets`."""

    def cancel(self) -> None:
        """Stop. Packets not yet passed to the channel are dropped, and no callback is called."""
        ...


class Engine(PacketSender, Protocol):
    """One connection's lifecycle, from `connect` to `close`."""

    @property
    def state(self) -> EngineState: ...

    @property
    def token(self) -> str:
        """The newest access token: the user's, or the last that the server sent to refresh it."""
        ...

    @property
    def round_trip_time(self) -> float | None:
        """Round-trip time to the server in seconds; None while unknown."""
        ...

    @property
    def counts(self) -> Mapping[bool, ChannelCounts]:
        """Traffic so far: of the reliable channel (True) and the lossy one (False)."""
        ...

    on_track_packet: Callable[[bytes], None]
    """Called with each packet of a data track; see `livekit.datatracks`."""

    def open_track_channel(self) -> None:
        """Open the data channel of data tracks, unless it is open. Raises SessionClosedError."""
        ...

    async def wait_track_channel(self) -> None:
        """Wait until the data channel of data tracks is open; `open_track_channel` must have been called."""
        ...

    def send_track_packet(self, data: bytes) -> bool:
        """Send a packet of a data track, unreliably. Returns False if the channel is not open or its buffer is full."""
        ...

    @property
    def media_hooks(self) -> MediaHooks:
        """The room's callbacks for audio and video; set them before `connect`."""
        ...

    @property
    def media(self) -> MediaTransport | None:
        """The sections of audio and video tracks of the current session; None while there is no session.

        Audio and video modules are loaded at the first use."""
        ...

    def force_reconnect(self, *, full: bool) -> None:
        """Simulate the loss of the connection: resume, or with `full` reconnect as a new participant."""
        ...

    async def connect(self) -> None:
        """Join, and wait until packets can be sent. `on_joined` has been called when this returns.

        Raises:
            ConnectError: the message says what failed and what to do.

        If this raises or is cancelled, all resources have been released.
        """
        ...

    async def flush(self) -> None:
        """Wait until the server has received all reliable packets; indefinitely if the connection is not restored."""
        ...

    def send_signal(self, request: rtc.SignalRequest) -> None:
        """Send a signal message, or queue it while reconnecting. Raises SessionClosedError when DISCONNECTED."""
        ...

    def begin_close(self, reason: models.DisconnectReason = models.DisconnectReason.CLIENT_INITIATED) -> None:
        """Leave, and release all resources in the background, within a second or so. `close` waits for that.

        `on_state(DISCONNECTED, reason)` has been called when this returns."""
        ...

    async def close(self, reason: models.DisconnectReason = models.DisconnectReason.CLIENT_INITIATED) -> None:
        """Leave, and release all resources within a second or so. Idempotent, and allowed in every state.

        If cancelled, the resources are still released."""
        ...
