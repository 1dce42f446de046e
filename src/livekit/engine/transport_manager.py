"""The peer connections of one join and their data channels.

Either one peer connection for both directions, or a publisher and a subscriber (dual)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from livekit._util.callbacks import ignore
from livekit.errors import ConnectError, PeerConnectionError
from livekit.protocol import rtc
from livekit.webrtc import (
    ChannelOptions,
    DataChannel,
    IceServerSettings,
    PeerConnection,
    PeerOptions,
    PeerState,
)

from .pc_transport import PCTransport
from .track_channel import TRACK_CHANNEL_LABEL, TrackChannel

if TYPE_CHECKING:
    from .media import MediaTransport

__all__ = ["LOSSY_LABEL", "RELIABLE_LABEL", "PeerFactory", "TransportManager"]

RELIABLE_LABEL = "_reliable"
LOSSY_LABEL = "_lossy"

DISCONNECTED_GRACE = 1.5
"""Seconds that a peer connection may be disconnected before that is reported: it may recover."""

_FAILED_STATES = frozenset({PeerState.FAILED, PeerState.CLOSED})
_MEDIA_LINE = "m=audio"
_FIREWALL_HINT = "Check that UDP between here and the server's media ports is open, or that the server offers TURN."

PeerFactory = Callable[[PeerOptions], PeerConnection]


class TransportManager:
    """Data channels to the server. Callbacks are plain attributes."""

    def __init__(
        self,
        make_peer: PeerFactory,
        options: PeerOptions,
        *,
        single: bool,
        send: Callable[[rtc.SignalRequest], None],
        on_data: Callable[[bytes], None],
    ) -> None:
        """`send` takes signal messages; `on_data` gets the messages of the data channels for packets."""
        self.on_disconnected: Callable[[str], None] = ignore
        """A peer connection that was connected has been disconnected for `DISCONNECTED_GRACE` seconds."""
        self.on_failed: Callable[[str], None] = ignore
        """A peer connection failed, or the server closed it; called once."""
        self.on_track_packet: Callable[[bytes], None] = ignore
        """Called with the messages of the data channel of data tracks."""
        self.on_media: Callable[[MediaTransport], None] = ignore
        """Called with the sections of media, when they are first used."""
        self.single = single
        self._send = send
        self._on_data = on_data
        self._requires_subscriber = False
        self._ready: asyncio.Future[None] | None = None
        self._has_failed = False
        self._error: ConnectError | None = None
        self._channels: list[DataChannel] = []
        self._disconnected_timer: asyncio.TimerHandle | None = None
        self._handlers: dict[str, Callable[[rtc.SignalResponse], None]] = {
            "answer": self._handle_answer,
            "offer": self._handle_offer,
            "trickle": self._handle_trickle,
            "media_sections_requirement": lambda m: self.media.add_sections(m.media_sections_requirement),
        }
        self._media: MediaTransport | None = None
        self._publisher = self._make_transport(make_peer(options), rtc.SignalTarget.PUBLISHER)
        self._subscriber: PCTransport | None = None
        if not single:
            self._subscriber = self._make_transport(make_peer(options), rtc.SignalTarget.SUBSCRIBER)
        peer = self._publisher.peer
        self.reliable = self._open_channel(peer, ChannelOptions(label=RELIABLE_LABEL))
        self.lossy = self._open_channel(peer, ChannelOptions(label=LOSSY_LABEL, ordered=False, max_retransmits=0))
        self.reliable.on_close = lambda: self._fail("the server closed the data channel")
        self._tracks = TrackChannel(peer, self._receive_track_packet)

    @property
    def max_message_size(self) -> int:
        return self._publisher.peer.max_message_size

    @property
    def round_trip_time(self) -> float | None:
        return self._publisher.peer.round_trip_time

    @property
    def is_ready(self) -> bool:
        """True if packets can be sent and received."""
        return self.reliable.is_open and all(p.state is PeerState.CONNECTED for p in self._required_peers())

    @property
    def is_connected(self) -> bool:
        """True if all required peer connections are connected."""
        return not self._has_failed and all(p.state is PeerState.CONNECTED for p in self._required_peers())

    @property
    def media(self) -> MediaTransport:
        """The sections of audio and video tracks, for which modules are loaded at the first use."""
        if self._media is None:
            from .media import MediaTransport

            self._media = MediaTransport(self._publisher, self._subscriber)
            self.on_media(self._media)
        return self._media

    def repeat_offer(self) -> None:
        """Offer again, on another signal connection, what the server has not answered."""
        self._publisher.repeat_offer()

    async def create_offer(self, *, ice_restart: bool = False) -> rtc.SessionDescription:
        """Create the publisher's next offer. Raises ValueError if ICE cannot be restarted."""
        return await self._publisher.create_offer(ice_restart=ice_restart)

    def open_track_channel(self) -> None:
        """Open the data channel of data tracks; idempotent."""
        channel = self._tracks.open()
        if channel is not None:
            self._channels.append(channel)

    async def wait_track_channel(self) -> None:
        """Wait until the data channel of data tracks is open."""
        await self._tracks.wait_open()

    def send_track_packet(self, data: bytes) -> bool:
        """Send a packet of a data track. Returns False if the channel is not open or its buffer is full."""
        return self._tracks.send(data)

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Use servers that became known after the offer, as the single peer connection requires."""
        for peer in self._required_peers():
            peer.use_ice_servers(servers)

    def require_subscriber(self) -> None:
        """Require that the subscriber, which the server will offer, is connected too."""
        self._requires_subscriber = self._subscriber is not None

    def handle_signal(self, message: rtc.SignalResponse) -> bool:
        """Handle an answer, offer or candidate; return False for other messages."""
        handler = self._handlers.get(message.WhichOneof("message") or "")
        if handler is None:
            return False
        handler(message)
        return True

    def reset_error(self) -> None:
        """Forget the error that ended an earlier `wait_ready`, unless a peer connection has failed."""
        self._error = PeerConnectionError("the WebRTC connection was lost") if self._has_failed else None

    async def wait_ready(self) -> None:
        """Wait until packets can be sent and received.

        Raises:
            ConnectError: a peer connection failed, or `abort_wait` was called since `reset_error`.
        """
        if self._error is not None:
            raise self._error
        if self.is_ready:
            return
        self._ready = asyncio.get_running_loop().create_future()
        try:
            await self._ready
        finally:
            self._ready = None

    def abort_wait(self, error: ConnectError) -> None:
        """Make `wait_ready` raise an error, now or when it is called next."""
        if self._error is None:
            self._error = error
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)

    def remove_callbacks(self) -> None:
        """Replace all callbacks with no-ops."""
        self._on_data = self._send = self.on_failed = self.on_disconnected = ignore
        for channel in self._channels:
            channel.on_message = ignore
        self._stop_disconnected_timer()

    async def close(self) -> None:
        self.remove_callbacks()
        self._has_failed = True
        self.abort_wait(PeerConnectionError("the connection is closed"))
        if self._media is not None:
            self._media.close()
        closing: list[Awaitable[None]] = [t.close() for t in (self._publisher, self._subscriber) if t is not None]
        await asyncio.gather(*closing)

    def _required_peers(self) -> list[PeerConnection]:
        if self._subscriber is None or not self._requires_subscriber:
            return [self._publisher.peer]
        return [self._publisher.peer, self._subscriber.peer]

    def _make_transport(self, peer: PeerConnection, target: rtc.SignalTarget) -> PCTransport:
        peer.on_state = self._handle_state
        peer.on_channel = self._handle_channel
        return PCTransport(peer, target, self._send, self._fail)

    def _open_channel(self, peer: PeerConnection, options: ChannelOptions) -> DataChannel:
        channel = peer.create_channel(options)
        channel.on_open = self._check_ready
        channel.on_message = self._on_data
        self._channels.append(channel)
        return channel

    def _handle_channel(self, channel: DataChannel) -> None:
        """Accept a channel that the server opened to send on."""
        if channel.label == TRACK_CHANNEL_LABEL:
            channel.on_message = self._receive_track_packet
            self._channels.append(channel)
        elif channel.label in {RELIABLE_LABEL, LOSSY_LABEL}:
            channel.on_message = self._on_data
            self._channels.append(channel)
            self._check_ready()

    def _receive_track_packet(self, data: bytes) -> None:
        self.on_track_packet(data)

    def _handle_state(self, state: PeerState) -> None:
        self._stop_disconnected_timer()
        if state in _FAILED_STATES:
            self._fail(f"the WebRTC connection to the server {state.value}")
        elif state is PeerState.DISCONNECTED:
            message = "nothing is received from the server over WebRTC"
            loop = asyncio.get_running_loop()
            self._disconnected_timer = loop.call_later(DISCONNECTED_GRACE, self.on_disconnected, message)
        else:
            self._check_ready()

    def _stop_disconnected_timer(self) -> None:
        if self._disconnected_timer is not None:
            self._disconnected_timer.cancel()
            self._disconnected_timer = None

    def _check_ready(self) -> None:
        if self._ready is not None and not self._ready.done() and self.is_ready:
            self._ready.set_result(None)

    def _fail(self, reason: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self.abort_wait(PeerConnectionError(f"{reason}. {_FIREWALL_HINT}"))
            self.on_failed(reason)

    def _handle_answer(self, message: rtc.SignalResponse) -> None:
        self._publisher.handle_answer(message.answer)

    def _handle_offer(self, message: rtc.SignalResponse) -> None:
        if _MEDIA_LINE in message.offer.sdp:
            _ = self.media
        (self._subscriber or self._publisher).handle_offer(message.offer)

    def _handle_trickle(self, message: rtc.SignalResponse) -> None:
        trickle = message.trickle
        target = self._subscriber if trickle.target == rtc.SignalTarget.SUBSCRIBER else None
        if trickle.candidateInit:
            (target or self._publisher).add_candidate(trickle.candidateInit)
