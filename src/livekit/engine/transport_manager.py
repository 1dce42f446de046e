"""The peer connections of one join and their channels: one for both directions, or a publisher and a subscriber."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from livekit._util.callbacks import ignore
from livekit.datatracks.packet import CHANNEL as TRACKS
from livekit.errors import ConnectError, PeerConnectionError
from livekit.protocol import rtc
from livekit.webrtc import (
    ChannelError,
    ChannelOptions,
    DataChannel,
    IceServerSettings,
    PeerConnection,
    PeerOptions,
    PeerState,
)

from .pc_transport import PCTransport

__all__ = ["LOSSY", "RELIABLE", "TransportManager"]

RELIABLE = "_reliable"
LOSSY = "_lossy"

SILENCE_GRACE = 1.5
"""Seconds that a peer connection may be disconnected, which it may recover from by itself."""

MAX_TRACK_BACKLOG = 256 * 1024
"""Bytes that may wait in the channel of data tracks; over it, packets are refused."""

_LOST = frozenset({PeerState.FAILED, PeerState.CLOSED})

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
        receive: Callable[[bytes], None],
    ) -> None:
        """`send` takes signal messages, `receive` gets what comes over any channel."""
        self.on_silent: Callable[[str], None] = ignore
        """Nothing was heard for `SILENCE_GRACE` seconds over a peer connection that was connected."""
        self.on_lost: Callable[[str], None] = ignore
        """A peer connection failed or was closed by the other side; called once."""
        self.on_track_packet: Callable[[bytes], None] = ignore
        """Gets what comes over the channel of data tracks."""
        self.single = single
        self._send = send
        self._receive = receive
        self._await_subscriber = False
        self._ready: asyncio.Future[None] | None = None
        self._lost = False
        self._tracks: DataChannel | None = None
        self._tracks_open: asyncio.Future[None] | None = None
        self._given_up: ConnectError | None = None
        self._channels: list[DataChannel] = []
        self._silence_timer: asyncio.TimerHandle | None = None
        self._publisher = self._negotiator(make_peer(options), rtc.SignalTarget.PUBLISHER)
        self._subscriber: PCTransport | None = None
        if not single:
            self._subscriber = self._negotiator(make_peer(options), rtc.SignalTarget.SUBSCRIBER)
        publisher = self._publisher.peer
        self.reliable = self._open(publisher, ChannelOptions(label=RELIABLE))
        self.lossy = self._open(publisher, ChannelOptions(label=LOSSY, ordered=False, max_retransmits=0))

    @property
    def max_message_size(self) -> int:
        return self._publisher.peer.max_message_size

    @property
    def round_trip_time(self) -> float | None:
        return self._publisher.peer.round_trip_time

    @property
    def is_ready(self) -> bool:
        """Whether packets can pass in both directions."""
        return self.reliable.is_open and all(p.state is PeerState.CONNECTED for p in self._needed_peers())

    @property
    def path_is_alive(self) -> bool:
        return not self._lost and all(p.state is PeerState.CONNECTED for p in self._needed_peers())

    async def offer(self, *, ice_restart: bool = False) -> rtc.SessionDescription:
        """The publisher's next offer."""
        return await self._publisher.offer(ice_restart=ice_restart)

    def open_tracks(self) -> None:
        """Open the channel of data tracks, once."""
        if self._tracks_open is None:
            self._tracks_open = asyncio.get_running_loop().create_future()
            options = ChannelOptions(label=TRACKS, ordered=False, max_retransmits=0)
            self._tracks = self._publisher.peer.create_channel(options)
            self._tracks.on_open = self._tracks_opened
            self._tracks.on_message = self._track_packet
            self._channels.append(self._tracks)

    async def wait_tracks(self) -> None:
        """Wait until the channel of data tracks is open."""
        if self._tracks_open is not None:
            await asyncio.shield(self._tracks_open)

    def send_track(self, data: bytes) -> bool:
        """Send a packet of a data track. False: there is no open channel, or no room in it."""
        channel = self._tracks
        if channel is None or not channel.is_open or channel.buffered_amount > MAX_TRACK_BACKLOG:
            return False
        try:
            channel.send(data)
        except ChannelError:
            return False
        return True

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Use servers that became known after the offer, as they do with a single peer connection."""
        for peer in self._needed_peers():
            peer.use_ice_servers(servers)

    def expect_subscriber(self) -> None:
        """The server will offer the subscriber's peer connection: nothing is ready without it."""
        self._await_subscriber = self._subscriber is not None

    def handle(self, message: rtc.SignalResponse) -> bool:
        """Take a signal message; False if it is none of the transport's."""
        handler = _HANDLERS.get(message.WhichOneof("message") or "")
        if handler is None:
            return False
        handler(self, message)
        return True

    def begin(self) -> None:
        """A join or resume begins: what gave up an earlier one does not count."""
        self._given_up = PeerConnectionError("the WebRTC connection was lost") if self._lost else None

    async def wait_ready(self) -> None:
        """Wait until packets can pass in both directions.

        Raises:
            ConnectError: they never will, or `give_up` was called since `begin`.
        """
        if self._given_up is not None:
            raise self._given_up
        if self.is_ready:
            return
        self._ready = asyncio.get_running_loop().create_future()
        try:
            await self._ready
        finally:
            self._ready = None

    def give_up(self, error: ConnectError) -> None:
        """End `wait_ready` with an error."""
        if self._given_up is None:
            self._given_up = error
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)

    def silence(self) -> None:
        """Call nobody back any more."""
        self._receive = self._send = self.on_lost = self.on_silent = ignore
        for channel in self._channels:
            channel.on_message = ignore
        self._stop_silence_timer()

    async def close(self) -> None:
        self.silence()
        self._lost = True
        self.give_up(PeerConnectionError("the connection is closed"))
        closing: list[Awaitable[None]] = [n.close() for n in (self._publisher, self._subscriber) if n is not None]
        await asyncio.gather(*closing)

    def _needed_peers(self) -> list[PeerConnection]:
        if self._subscriber is None or not self._await_subscriber:
            return [self._publisher.peer]
        return [self._publisher.peer, self._subscriber.peer]

    def _negotiator(self, peer: PeerConnection, target: rtc.SignalTarget) -> PCTransport:
        peer.on_state = self._state_changed
        peer.on_channel = self._channel_opened
        return PCTransport(peer, target, self._send, self._failed)

    def _open(self, peer: PeerConnection, options: ChannelOptions) -> DataChannel:
        channel = peer.create_channel(options)
        channel.on_open = self._check
        channel.on_message = self._receive
        self._channels.append(channel)
        if options.label == RELIABLE:
            channel.on_close = lambda: self._failed("the server closed the data channel")
        return channel

    def _channel_opened(self, channel: DataChannel) -> None:
        if channel.label == TRACKS:
            channel.on_message = self._track_packet
            self._channels.append(channel)
        elif channel.label in {RELIABLE, LOSSY}:
            channel.on_message = self._receive
            self._channels.append(channel)
            self._check()

    def _track_packet(self, data: bytes) -> None:
        self.on_track_packet(data)

    def _tracks_opened(self) -> None:
        if self._tracks_open is not None and not self._tracks_open.done():
            self._tracks_open.set_result(None)

    def _state_changed(self, state: PeerState) -> None:
        self._stop_silence_timer()
        if state in _LOST:
            self._failed(f"the WebRTC connection to the server {state.value}")
        elif state is PeerState.DISCONNECTED:
            loop = asyncio.get_running_loop()
            self._silence_timer = loop.call_later(SILENCE_GRACE, self.on_silent, "the server is not heard over WebRTC")
        else:
            self._check()

    def _stop_silence_timer(self) -> None:
        if self._silence_timer is not None:
            self._silence_timer.cancel()
            self._silence_timer = None

    def _check(self) -> None:
        if self._ready is not None and not self._ready.done() and self.is_ready:
            self._ready.set_result(None)

    def _failed(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self.give_up(PeerConnectionError(f"{reason}. {_FIREWALL_HINT}"))
            self.on_lost(reason)

    def _answer(self, message: rtc.SignalResponse) -> None:
        self._publisher.take_answer(message.answer)

    def _offer(self, message: rtc.SignalResponse) -> None:
        (self._subscriber or self._publisher).take_offer(message.offer)

    def _trickle(self, message: rtc.SignalResponse) -> None:
        trickle = message.trickle
        wanted = self._subscriber if trickle.target == rtc.SignalTarget.SUBSCRIBER else None
        if trickle.candidateInit:
            (wanted or self._publisher).take_candidate(trickle.candidateInit)


_FIREWALL_HINT = "Check that UDP between here and the server's media ports is open, or that the server offers TURN."

_HANDLERS: dict[str, Callable[[TransportManager, rtc.SignalResponse], None]] = {
    "answer": TransportManager._answer,
    "offer": TransportManager._offer,
    "trickle": TransportManager._trickle,
}
