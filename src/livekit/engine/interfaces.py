"""The port between a room and what connects it: a session.

A session is one connection's life: it joins, keeps the connection alive, resumes or reconnects it, and carries
signal messages and data packets. The room above it holds no sockets; a room in memory is the same room on another
session. Sessions are made by :func:`livekit.engine.create_engine`, chosen by the scheme of the URL.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from livekit.protocol import models, rtc


class EngineState(enum.Enum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    """The connection was lost and is being resumed or made anew; packets pass where the path lives, else they wait."""
    DISCONNECTED = "disconnected"
    """The end; a session does not come back."""


@dataclass
class ChannelCounts:
    """What passed over one data channel, in both directions."""

    messages_sent: int = 0
    bytes_sent: int = 0
    messages_received: int = 0
    bytes_received: int = 0

    def sent(self, size: int) -> None:
        self.messages_sent += 1
        self.bytes_sent += size

    def received(self, size: int) -> None:
        self.messages_received += 1
        self.bytes_received += size


class EngineListener(Protocol):
    """What a session tells its room. Called on the event loop, never concurrently, never re-entrantly from `send_*`."""

    def on_joined(self, join: rtc.JoinResponse, *, rejoined: bool) -> None:
        """The server admitted us. `rejoined`: after a full reconnect, with a new participant sid."""
        ...

    def on_signal(self, message: rtc.SignalResponse) -> None:
        """A signal message that is not the session's own business: update, room_update, request_response, ….

        Handled by the session itself and not passed on: join, reconnect, answer, offer, trickle, pong, pong_resp."""
        ...

    def on_packet(self, packet: models.DataPacket) -> None:
        """A data packet, decoded; reliable ones in the sender's order and without duplicates."""
        ...

    def on_state(self, state: EngineState, reason: models.DisconnectReason) -> None:
        """The state changed; `reason` says why for DISCONNECTED, and is UNKNOWN_REASON otherwise."""
        ...


Sent = Callable[["Exception | None"], None]
"""Told once: None when a packet was handed to the channel, or what kept it from being sent."""


class PacketSender(Protocol):
    """How the layers above hand packets to the connection. See `livekit.engine.backpressure` for waiting in turn."""

    def send_packet(
        self,
        packet: models.DataPacket,
        *,
        reliable: bool = True,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> QueuedPacket | None:
        """Number and send one packet; never blocks. While there is no path it is kept and sent after, in order.

        Returns the packet if it waits for its turn and could be taken back.

        `on_delivered` is called once, when the transport has confirmed the packet (or, where it cannot tell, when it
        was put on the wire). `on_sent` may be called before this returns, and tells of the session's end too.

        Raises:
            PacketTooLargeError: the serialised packet is over the limit of the connection.
            SessionClosedError: the session is DISCONNECTED.
        """
        ...

    def send_packets(
        self,
        packets: Iterator[models.DataPacket],
        *,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> PacketStream:
        """Send reliable packets one after another at the pace of the connection.

        The iterator is advanced only when the channel has room, and several such streams and single packets take
        turns, so that a long one does not hold up the others. `on_delivered` and `on_sent` follow the last packet;
        `on_sent` also tells what the iterator raised, which ends the stream.
        """
        ...


class QueuedPacket(Protocol):
    """The handle of a packet that waits for its turn."""

    def withdraw(self) -> bool:
        """Take it back: it is not sent, and nobody is called back. False if it was handed to the channel meanwhile."""
        ...


class PacketStream(Protocol):
    """The handle of `send_packets`."""

    def cancel(self) -> None:
        """Stop: packets not handed to the channel yet are dropped, nobody is called back."""
        ...


class Engine(PacketSender, Protocol):
    """One connection's life, from `connect` to `close`."""

    @property
    def state(self) -> EngineState: ...

    @property
    def token(self) -> str:
        """The newest access token: the given one, or the last the server sent in a refresh."""
        ...

    @property
    def round_trip_time(self) -> float | None:
        """Seconds to the server and back; None while unknown."""
        ...

    @property
    def counts(self) -> Mapping[bool, ChannelCounts]:
        """What passed so far over the reliable channel (True) and the lossy one (False)."""
        ...

    on_track_packet: Callable[[bytes], None]
    """Gets each packet of a data track; see `livekit.datatracks`."""

    def open_track_channel(self) -> None:
        """Open the channel of data tracks, if it is not. Raises SessionClosedError."""
        ...

    async def wait_track_channel(self) -> None:
        """Wait until packets can be sent over the channel of data tracks, which was opened."""
        ...

    def send_track_packet(self, data: bytes) -> bool:
        """Send a packet of a data track, which may be lost. False: there is no open channel, or no room in it."""
        ...

    def interrupt(self, *, full: bool) -> None:
        """Lose the connection on purpose, for tests: the session resumes, or with `full` reconnects as new."""
        ...

    async def connect(self) -> None:
        """Join and wait until packets can be sent. `on_joined` has been called when this returns.

        Raises:
            ConnectError: says what failed and what to do. Nothing is left behind, by cancellation neither.
        """
        ...

    async def flush(self) -> None:
        """Wait until all packets that were sent reliably have arrived at the server; for ever if they never do."""
        ...

    def send_signal(self, request: rtc.SignalRequest) -> None:
        """Send a signal message, now or after a reconnect. Raises SessionClosedError when DISCONNECTED."""
        ...

    async def close(self, reason: models.DisconnectReason = models.DisconnectReason.CLIENT_INITIATED) -> None:
        """Leave and release everything; safe in every state and to call twice. Ends within a second.

        `on_state(DISCONNECTED, reason)` has been called when this returns."""
        ...
