"""The peer connections of one participant: a single one for both directions, or publisher and subscriber."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from livekit._util.callbacks import ignore
from livekit._util.logs import RateLimitedLog
from livekit.datatracks.packet import CHANNEL as TRACK_LABEL
from livekit.protocol import rtc
from livekit.webrtc import (
    ChannelError,
    ChannelOptions,
    DataChannel,
    PeerOptions,
    PeerState,
    create_peer_connection,
)

from . import limits
from .fair_queue import FairQueue

if TYPE_CHECKING:
    from livekit.webrtc.media_interfaces import MediaPeerConnection

    from .media.sections import MediaSections

logger = logging.getLogger(__name__)

RELIABLE_LABEL = "_reliable"
LOSSY_LABEL = "_lossy"

_CHANNELS = {
    True: ChannelOptions(label=RELIABLE_LABEL),
    False: ChannelOptions(label=LOSSY_LABEL, ordered=False, max_retransmits=0),
}
"""Options of the subscriber's reliable (True) and lossy channel."""
_TRACK_CHANNEL = ChannelOptions(label=TRACK_LABEL, ordered=False, max_retransmits=0)
FAIR_QUEUE_THRESHOLD = 48 * 1024
"""Bytes buffered in the reliable channel from which further packets go through the fair queue; the queue is drained
when half of them are left."""
_SENDS_MEDIA = "a=send"
"""In an offer whose sections carry media to the server: with the direction sendonly or sendrecv."""
_ENDED = frozenset({PeerState.FAILED, PeerState.CLOSED})

PeerFactory: TypeAlias = "Callable[[PeerOptions | None], MediaPeerConnection]"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportCallbacks:
    """Callbacks of a TransportManager."""

    on_signal: Callable[[rtc.SignalResponse], None]
    """Sends a signal message to the client."""
    on_packet: Callable[[bytes, bool], None]
    """Receives a data packet, and True if it arrived on the reliable channel."""
    on_track_packet: Callable[[bytes], None]
    """Receives a data track packet."""
    on_connected: Callable[[], None]
    """The transport can send packets to the participant."""
    on_disconnected: Callable[[], None]
    """The primary connection is silent; it may recover."""
    on_failed: Callable[[], None]
    """The primary connection failed or was closed by the client."""
    find_sections: Callable[[bool], MediaSections | None]
    """Returns the sections of the participant's media; None if it has none yet, unless they are needed (True)."""
    on_replaced: Callable[[], None]
    """The single connection was replaced; packets in flight to the participant may be lost."""


class TransportManager:
    """Answers the offers of the client on the publisher connection; in dual mode, offers the subscriber connection."""

    def __init__(
        self,
        callbacks: TransportCallbacks,
        *,
        single: bool,
        options: PeerOptions | None = None,
        make_peer: PeerFactory = create_peer_connection,
    ) -> None:
        self._callbacks: Final = callbacks
        self._send_errors = RateLimitedLog(logger)
        self._options: Final = options
        self._make_peer: Final = make_peer
        self._single: Final = single
        self._channels: dict[bool, DataChannel] = {}
        """The reliable (True) and lossy channel to the participant."""
        self._queue = FairQueue()
        """Reliable packets that have not been passed to their channel yet."""
        self._is_draining = False
        self._track_channel: DataChannel | None = None
        self._offer_id = 0
        self._awaits_answer = self._must_offer_again = False
        self._remote_fingerprints: frozenset[str] = frozenset()
        """Fingerprints of the client's last offer; different ones mean a new DTLS association (RFC 8842)."""
        self._lock = asyncio.Lock()
        self._closed = False
        self._publisher = self._new_peer(rtc.PUBLISHER)
        self._subscriber: MediaPeerConnection | None = None
        if not single:
            self._subscriber = self._new_peer(rtc.SUBSCRIBER)
            for reliable, channel_options in _CHANNELS.items():
                self._use_channel(reliable, self._subscriber.create_channel(channel_options))
            self._track_channel = self._subscriber.create_channel(_TRACK_CHANNEL)

    @property
    def _primary(self) -> MediaPeerConnection:
        return self._subscriber or self._publisher

    async def accept_offer(self, offer: rtc.SessionDescription) -> None:
        """Answer an offer of the client: the first one, a renegotiation, or an ICE restart. Raises ValueError."""
        async with self._lock:
            if self._closed:
                return
            fingerprints = _fingerprints(offer.sdp)
            if self._publisher.state in _ENDED or (
                self._remote_fingerprints and fingerprints != self._remote_fingerprints
            ):
                await self._replace_publisher()
            self._remote_fingerprints = fingerprints
            publisher, sections = self._publisher, self._callbacks.find_sections(_SENDS_MEDIA in offer.sdp)
            publisher.on_offer = ignore if sections is None else lambda: sections.receive_offer(publisher)
            sdp = await publisher.accept_offer(offer.sdp)
        answer = rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id)
        if sections is not None and self._single:
            answer.mid_to_track_id.update(sections.mid_to_track_id())
        self._callbacks.on_signal(rtc.SignalResponse(answer=answer))
        if sections is not None and not self._closed:
            self._require(sections.answer_sent(publisher))
        elif self._single:
            self.negotiate_media()

    def publish_added_tracks(self) -> None:
        """Publish tracks that were announced after their section was negotiated."""
        sections = self._callbacks.find_sections(False)
        if sections is not None:
            sections.tracks_added(self._publisher)

    def negotiate_media(self) -> None:
        """Ask the client for another offer if its subscriptions need other sections; only with a single connection."""
        sections = self._callbacks.find_sections(False)
        if sections is not None and self._remote_fingerprints and not self._closed:
            self._require(sections.requirement(self._publisher))

    def _require(self, requirement: rtc.MediaSectionsRequirement | None) -> None:
        if requirement is not None:
            self._callbacks.on_signal(rtc.SignalResponse(media_sections_requirement=requirement))

    async def offer_subscriber(self, *, ice_restart: bool = False) -> None:
        """Send an offer for the subscriber connection, if there is one; after the answer to the offer before."""
        async with self._lock:
            if self._subscriber is None or self._closed:
                return
            if self._awaits_answer and not ice_restart:
                self._must_offer_again = True
                return
            sections = self._callbacks.find_sections(False)
            try:
                if sections is not None:
                    sections.prepare_offer(self._subscriber)
                sdp = await self._subscriber.create_offer(ice_restart=ice_restart)
            except ValueError as error:
                logger.debug("cannot offer the subscriber connection: %s", error)
                return
            self._offer_id += 1
            self._awaits_answer, self._must_offer_again = True, False
            offer = rtc.SessionDescription(type="offer", sdp=sdp, id=self._offer_id)
            if sections is not None:
                offer.mid_to_track_id.update(sections.mid_to_track_id())
        self._callbacks.on_signal(rtc.SignalResponse(offer=offer))

    async def accept_answer(self, answer: rtc.SessionDescription) -> None:
        """Apply the client's answer to the newest offer; answers to older ones are ignored. Raises ValueError."""
        async with self._lock:
            if self._subscriber is None or self._closed or answer.id not in (0, self._offer_id):
                return
            await self._subscriber.accept_answer(answer.sdp)
            self._awaits_answer, must_offer_again = False, self._must_offer_again
        sections = self._callbacks.find_sections(False)
        if sections is not None:
            sections.answer_received(self._subscriber)
            must_offer_again |= not sections.is_settled
        if must_offer_again:
            await self.offer_subscriber()

    async def add_candidate(self, trickle: rtc.TrickleRequest) -> None:
        """Add an ICE candidate of the client."""
        peer = self._subscriber if trickle.target == rtc.SUBSCRIBER else self._publisher
        if peer is not None and not self._closed and trickle.candidateInit:
            await peer.add_candidate(trickle.candidateInit)

    def send(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        """Send a packet; return False if too many bytes are waiting on the reliable channel already."""
        channel = self._channels.get(reliable)
        if channel is None or not channel.is_open:
            return True
        if not reliable:
            if channel.buffered_amount <= limits.MAX_LOSSY_BACKLOG:
                self._send_on(channel, data)
            return True
        if self.backlog > limits.MAX_RELIABLE_BACKLOG:
            return False
        if self._queue or channel.buffered_amount >= FAIR_QUEUE_THRESHOLD:
            self._queue.push(sender, data)
        else:
            self._send_on(channel, data)
        return True

    @property
    def backlog(self) -> int:
        """Bytes of reliable packets that `send` accepted and that have not been sent yet."""
        channel = self._channels.get(True)
        return 0 if channel is None else channel.buffered_amount + self._queue.size

    def send_track_packet(self, data: bytes) -> None:
        """Send a data track packet; it is dropped if the channel is missing or full."""
        channel = self._track_channel
        if channel is not None and channel.is_open and channel.buffered_amount <= limits.MAX_LOSSY_BACKLOG:
            self._send_on(channel, data)

    def _send_on(self, channel: DataChannel, data: bytes) -> None:
        try:
            channel.send(data)
        except ChannelError as error:
            self._send_errors.warn("refused", "dropping a packet of %d bytes: %s", len(data), error)

    def _drain_queue(self) -> None:
        """Pass queued packets to the reliable channel while it has space."""
        channel = self._channels.get(True)
        if channel is None or self._is_draining:
            return
        self._is_draining = True
        try:
            while self._queue and channel.buffered_amount < FAIR_QUEUE_THRESHOLD:
                self._send_on(channel, self._queue.pop())
        finally:
            self._is_draining = False

    async def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._closed = True
        await self._publisher.close()
        if self._subscriber is not None:
            await self._subscriber.close()

    def _new_peer(self, target: rtc.SignalTarget) -> MediaPeerConnection:
        peer = self._make_peer(self._options)
        peer.on_state = lambda state: self._state_changed(peer, state)
        peer.on_channel = self._channel_opened
        peer.on_candidate = lambda candidate: self._trickle(target, candidate)
        return peer

    async def _replace_publisher(self) -> None:
        sections = self._callbacks.find_sections(False)
        if sections is not None:
            sections.publisher_replaced(self._publisher)
        await self._publisher.close()
        self._publisher = self._new_peer(rtc.PUBLISHER)
        if self._single:
            self._channels.clear()
            self._queue.clear()
            self._track_channel = None
            self._callbacks.on_replaced()

    def _channel_opened(self, channel: DataChannel) -> None:
        if channel.label == TRACK_LABEL:
            self._track_channel = channel if self._single else self._track_channel
            channel.on_message = self._callbacks.on_track_packet
            return
        if channel.label not in (RELIABLE_LABEL, LOSSY_LABEL):
            logger.debug("ignoring data channel %r", channel.label)
            return
        reliable = channel.label == RELIABLE_LABEL
        if self._single:
            self._use_channel(reliable, channel)
        channel.on_message = lambda data: self._callbacks.on_packet(data, reliable)

    def _use_channel(self, reliable: bool, channel: DataChannel) -> None:
        self._channels[reliable] = channel
        if reliable:
            self._queue.clear()
            channel.buffered_amount_low_threshold = FAIR_QUEUE_THRESHOLD // 2
            channel.on_buffered_amount_low = self._drain_queue
        channel.on_open = self._check_connected
        self._check_connected()

    def _state_changed(self, peer: MediaPeerConnection, state: PeerState) -> None:
        if peer is not self._primary or self._closed:
            return
        if state in _ENDED:
            self._callbacks.on_failed()
        elif state is PeerState.DISCONNECTED:
            self._callbacks.on_disconnected()
        else:
            self._check_connected()

    def _check_connected(self) -> None:
        channel = self._channels.get(True)
        if channel is not None and channel.is_open and self._primary.state is PeerState.CONNECTED:
            self._callbacks.on_connected()

    def _trickle(self, target: rtc.SignalTarget, candidate: str | None) -> None:
        if candidate is not None:
            self._callbacks.on_signal(
                rtc.SignalResponse(trickle=rtc.TrickleRequest(candidateInit=candidate, target=target))
            )


def _fingerprints(sdp: str) -> frozenset[str]:
    return frozenset(line.strip() for line in sdp.splitlines() if line.startswith("a=fingerprint:"))
