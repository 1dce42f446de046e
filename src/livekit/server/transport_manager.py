"""The peer connections of one participant: one for both directions, or a publisher's and a subscriber's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from livekit._util.logs import RateLimitedLog
from livekit.datatracks.packet import CHANNEL as TRACKS
from livekit.protocol import rtc
from livekit.webrtc import (
    ChannelError,
    ChannelOptions,
    DataChannel,
    PeerConnection,
    PeerOptions,
    PeerState,
    create_peer_connection,
)

from . import limits
from .fair_queue import FairQueue

logger = logging.getLogger(__name__)

RELIABLE = "_reliable"
LOSSY = "_lossy"

_OURS = {
    True: ChannelOptions(label=RELIABLE),
    False: ChannelOptions(label=LOSSY, ordered=False, max_retransmits=0),
}
_TRACKS = ChannelOptions(label=TRACKS, ordered=False, max_retransmits=0)
TURNS_ABOVE = 48 * 1024
"""Bytes in the reliable channel from which on senders take turns; with half as many it takes more."""
_LOST = frozenset({PeerState.FAILED, PeerState.CLOSED})

PeerFactory = Callable[[PeerOptions | None], PeerConnection]


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportCallbacks:
    """What the peers of a participant tell their owner."""

    on_signal: Callable[[rtc.SignalResponse], None]
    on_packet: Callable[[bytes, bool], None]
    """Data, and whether it came on the reliable channel."""
    on_track_packet: Callable[[bytes], None]
    """A packet of a data track."""
    on_up: Callable[[], None]
    """Packets can be sent to the participant now."""
    on_silent: Callable[[], None]
    """Nothing is heard of the participant, which may pass."""
    on_lost: Callable[[], None]
    on_replaced: Callable[[], None]
    """A lost connection is made anew; what was on its way to the participant may be lost."""


class TransportManager:
    """Takes the client's offers on the publisher connection; with two of them, offers the subscriber one itself."""

    def __init__(
        self,
        events: TransportCallbacks,
        *,
        single: bool,
        options: PeerOptions | None = None,
        make_peer: PeerFactory = create_peer_connection,
    ) -> None:
        self._events: Final = events
        self._refused = RateLimitedLog(logger)
        self._options: Final = options
        self._make_peer: Final = make_peer
        self._single: Final = single
        self._channels: dict[bool, DataChannel] = {}
        self._waiting = FairQueue()
        """Reliable packets that are not in their channel yet."""
        self._pumping = False
        self._tracks: DataChannel | None = None
        self._offer_id = 0
        self._offered: frozenset[str] = frozenset()
        """The fingerprints of the client's last offer; others mean that its connection is a new one (RFC 8842)."""
        self._lock = asyncio.Lock()
        self._closed = False
        self._publisher = self._make(rtc.PUBLISHER)
        self._subscriber: PeerConnection | None = None
        if not single:
            self._subscriber = self._make(rtc.SUBSCRIBER)
            for reliable, channel_options in _OURS.items():
                self._open(reliable, self._subscriber.create_channel(channel_options))
            self._tracks = self._subscriber.create_channel(_TRACKS)

    @property
    def _primary(self) -> PeerConnection:
        return self._subscriber or self._publisher

    async def accept_offer(self, offer: rtc.SessionDescription) -> None:
        """Answer an offer of the client: its first one, a repeated one, or an ICE restart. Raises ValueError."""
        async with self._lock:
            if self._closed:
                return
            fingerprints = _fingerprints(offer.sdp)
            if self._publisher.state in _LOST or (self._offered and fingerprints != self._offered):
                await self._replace_publisher()
            self._offered = fingerprints
            sdp = await self._publisher.accept_offer(offer.sdp)
        answer = rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id)
        self._events.on_signal(rtc.SignalResponse(answer=answer))

    async def offer_subscriber(self, *, ice_restart: bool = False) -> None:
        """Offer the subscriber connection, if there is one."""
        async with self._lock:
            if self._subscriber is None or self._closed:
                return
            try:
                sdp = await self._subscriber.create_offer(ice_restart=ice_restart)
            except ValueError as error:
                logger.debug("the subscriber connection stays as it is: %s", error)
                return
            self._offer_id += 1
            offer = rtc.SessionDescription(type="offer", sdp=sdp, id=self._offer_id)
        self._events.on_signal(rtc.SignalResponse(offer=offer))

    async def accept_answer(self, answer: rtc.SessionDescription) -> None:
        """Take the client's answer to the newest offer; older ones are passed over. Raises ValueError."""
        async with self._lock:
            if self._subscriber is not None and not self._closed and answer.id in (0, self._offer_id):
                await self._subscriber.accept_answer(answer.sdp)

    async def add_candidate(self, trickle: rtc.TrickleRequest) -> None:
        """Take a candidate of the client."""
        peer = self._subscriber if trickle.target == rtc.SUBSCRIBER else self._publisher
        if peer is not None and not self._closed and trickle.candidateInit:
            await peer.add_candidate(trickle.candidateInit)

    def send(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        """Send a packet. False: too much is waiting on the reliable channel already."""
        channel = self._channels.get(reliable)
        if channel is None or not channel.is_open:
            return True
        if not reliable:
            if channel.buffered_amount <= limits.MAX_LOSSY_BACKLOG:
                self._put(channel, data)
            return True
        if self.backlog > limits.MAX_RELIABLE_BACKLOG:
            return False
        if self._waiting or channel.buffered_amount >= TURNS_ABOVE:
            self._waiting.add(sender, data)
        else:
            self._put(channel, data)
        return True

    @property
    def backlog(self) -> int:
        """Bytes of reliable packets that were accepted by `send` and have not been put on the wire."""
        channel = self._channels.get(True)
        return 0 if channel is None else channel.buffered_amount + self._waiting.size

    def send_track_packet(self, data: bytes) -> None:
        """Send a packet of a data track, if there is a channel for it with room in it."""
        channel = self._tracks
        if channel is not None and channel.is_open and channel.buffered_amount <= limits.MAX_LOSSY_BACKLOG:
            self._put(channel, data)

    def _put(self, channel: DataChannel, data: bytes) -> None:
        try:
            channel.send(data)
        except ChannelError as error:
            self._refused.warn("refused", "dropping a packet of %d bytes: %s", len(data), error)

    def _pump(self) -> None:
        """Hand over what has its turn, as far as the reliable channel has room."""
        channel = self._channels.get(True)
        if channel is None or self._pumping:
            return
        self._pumping = True
        try:
            while self._waiting and channel.buffered_amount < TURNS_ABOVE:
                self._put(channel, self._waiting.take())
        finally:
            self._pumping = False

    async def close(self) -> None:
        """End both connections; safe to call twice."""
        self._closed = True
        await self._publisher.close()
        if self._subscriber is not None:
            await self._subscriber.close()

    def _make(self, target: rtc.SignalTarget) -> PeerConnection:
        peer = self._make_peer(self._options)
        peer.on_state = lambda state: self._state_changed(peer, state)
        peer.on_channel = self._channel_opened
        peer.on_candidate = lambda candidate: self._trickle(target, candidate)
        return peer

    async def _replace_publisher(self) -> None:
        await self._publisher.close()
        self._publisher = self._make(rtc.PUBLISHER)
        if self._single:
            self._channels.clear()
            self._waiting.clear()
            self._tracks = None
            self._events.on_replaced()

    def _channel_opened(self, channel: DataChannel) -> None:
        if channel.label == TRACKS:
            self._tracks = channel if self._single else self._tracks
            channel.on_message = self._events.on_track_packet
            return
        if channel.label not in (RELIABLE, LOSSY):
            logger.debug("passing over data channel %r", channel.label)
            return
        reliable = channel.label == RELIABLE
        if self._single:
            self._open(reliable, channel)
        channel.on_message = lambda data: self._events.on_packet(data, reliable)

    def _open(self, reliable: bool, channel: DataChannel) -> None:
        self._channels[reliable] = channel
        if reliable:
            self._waiting.clear()
            channel.buffered_amount_low_threshold = TURNS_ABOVE // 2
            channel.on_buffered_amount_low = self._pump
        channel.on_open = self._check_up
        self._check_up()

    def _state_changed(self, peer: PeerConnection, state: PeerState) -> None:
        if peer is not self._primary or self._closed:
            return
        if state in _LOST:
            self._events.on_lost()
        elif state is PeerState.DISCONNECTED:
            self._events.on_silent()
        else:
            self._check_up()

    def _check_up(self) -> None:
        channel = self._channels.get(True)
        if channel is not None and channel.is_open and self._primary.state is PeerState.CONNECTED:
            self._events.on_up()

    def _trickle(self, target: rtc.SignalTarget, candidate: str | None) -> None:
        if candidate is not None:
            self._events.on_signal(
                rtc.SignalResponse(trickle=rtc.TrickleRequest(candidateInit=candidate, target=target))
            )


def _fingerprints(sdp: str) -> frozenset[str]:
    return frozenset(line.strip() for line in sdp.splitlines() if line.startswith("a=fingerprint:"))
