"""A :class:`~livekit.webrtc.interfaces.PeerConnection`: the offer/answer state machine over one transport."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from livekit._util.callbacks import ignore

from .certificate import local_certificate
from .ice import Candidate, CandidateError, Credentials
from .interfaces import ChannelOptions, DataChannel, IceServerSettings, PeerOptions, PeerState
from .negotiation import (
    NO_MEDIA,
    SCTP_PORT,
    LocalParameters,
    RemoteParameters,
    data_media_section,
    describe,
    read_remote,
    unused_mid,
)
from .network.shared_ports import SharedPorts
from .sctp import MAX_MESSAGE_SIZE, MAX_RECEIVED_PACKET, Channel
from .sdp import DEFAULT_MAX_MESSAGE_SIZE, MediaSection, SdpError, SessionDescription
from .transport import PeerTransport

if TYPE_CHECKING:
    from .media_interfaces import Codec, Direction, MediaKind
    from .peer_media import PeerMedia
    from .rtp.rtcp import RtcpPacket, TransportWideFeedback
    from .transceiver import RtcTransceiver

__all__ = ["RtcPeerConnection"]

logger = logging.getLogger("livekit.webrtc")

MAX_EARLY_CANDIDATES = 64
"""Remote candidates kept until the remote description is set."""
ANSWER_SETUP = {"actpass": "active", "active": "passive", "passive": "active"}
"""RFC 8842 section 5.3. The answerer prefers to be the client: its ClientHello follows the answer at once."""


class RtcPeerConnection:
    """A `PeerConnection` with data channels, and a `MediaConnection`, the modules of which it loads on first use.

    Must be created on the event loop that it is used on.
    """

    def __init__(self, options: PeerOptions | None = None, ports: SharedPorts | None = None) -> None:
        self.on_state: Callable[[PeerState], None] = ignore
        self.on_channel: Callable[[DataChannel], None] = ignore
        self.on_candidate: Callable[[str | None], None] = ignore
        self.on_offer: Callable[[], None] = ignore
        self.on_negotiated: Callable[[], None] = ignore
        self.on_rtcp: Callable[[Sequence[RtcpPacket | TransportWideFeedback]], None] = ignore
        self.transport = PeerTransport(options or PeerOptions(), ports)
        self.transport.on_state = self._state_changed
        self.transport.gatherer.on_candidate = self._trickle
        self.transport.gatherer.on_gathered = lambda: self._call(self.on_candidate, None)
        self.transport.association.on_channel = self._channel_opened
        self._sections: list[MediaSection] = []
        self._media: PeerMedia | None = None
        self._bundle: list[str] = []
        self._mid, self._index = "0", 0
        self._session_id = secrets.randbits(62)
        self._version = 0
        self._remote: RemoteParameters | None = None
        self._has_local_offer = False
        self._has_described_candidates = False
        self._early_candidates: list[Candidate] = []

    # Channels and state

    @property
    def state(self) -> PeerState:
        return self.transport.state

    @property
    def max_message_size(self) -> int:
        return self.transport.association.max_message_size if self._remote else DEFAULT_MAX_MESSAGE_SIZE

    @property
    def round_trip_time(self) -> float | None:
        return self.transport.association.round_trip_time or self.transport.agent.round_trip_time

    def create_channel(self, options: ChannelOptions) -> Channel:
        return self.transport.association.open_channel(
            options.label, ordered=options.ordered, max_retransmits=options.max_retransmits
        )

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        self.transport.gatherer.use_servers(servers)

    # Media

    @property
    def transceivers(self) -> Sequence[RtcTransceiver]:
        return () if self._media is None else self._media.negotiation.transceivers

    def add_transceiver(
        self, kind: MediaKind, direction: Direction, codecs: Sequence[Codec], *, extensions: Sequence[str] = ()
    ) -> RtcTransceiver:
        return self._load_media().negotiation.add(kind, direction, codecs, extensions)

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> bool:
        return self._media is not None and self._media.packets.send_rtcp(packets)

    def _load_media(self) -> PeerMedia:
        if self._media is None:
            from .peer_media import PeerMedia

            self._media = PeerMedia(self.transport)
            self._media.packets.on_rtcp = self._receive_rtcp
        return self._media

    def _receive_rtcp(self, packets: Sequence[RtcpPacket | TransportWideFeedback]) -> None:
        self.on_rtcp(packets)

    # Descriptions

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        agent = self.transport.agent
        if self._remote is None and not self._has_local_offer:
            agent.controlling = True  # RFC 8445 section 6.1.1
        elif ice_restart and agent.remote_credentials is not None:
            agent.restart(self.transport.now)
        await self._gather()
        self._add_sections()
        self._has_local_offer = True
        media = NO_MEDIA if self._media is None else self._media.negotiation.offered_sections()
        return self._describe("actpass", media)

    def _add_sections(self) -> None:
        """Append sections for new transceivers; the data channels' one follows those of the first offer."""
        if self._media is not None and (added := self._media.negotiation.add_sections(self._sections)):
            if self._remote is not None and self._mid not in self._bundle:
                self._bundle.append(self._mid)  # the peer has not bundled anything so far
            self._bundle += added
        if not any(section.is_data_channel for section in self._sections):
            self._mid, self._index = unused_mid(self._sections), len(self._sections)
            self._sections.append(data_media_section(self._mid))
            self._bundle.append(self._mid)

    async def accept_offer(self, sdp: str) -> str:
        description = SessionDescription.parse(sdp)
        remote = read_remote(description, is_offer=True)
        self._validate(remote)
        bundle = description.bundled_mids()
        media = self._media_for(description.media)
        if media is not None:
            media.negotiation.receive_offer(description.media, bundle)
        self._has_local_offer = False
        await self._gather()
        self._sections, self._bundle = description.media, bundle
        self._mid, self._index = remote.mid, remote.index
        dtls = self.transport.dtls
        setup = ANSWER_SETUP[remote.setup] if dtls is None else ("active" if dtls.is_client else "passive")
        self._set_remote(remote, is_client=setup == "active")
        if media is None:
            return self._describe(setup)
        self._call(self.on_offer)
        answer = self._describe(setup, media.answer())
        self._call(self.on_negotiated)
        return answer

    def _media_for(self, sections: Sequence[MediaSection]) -> PeerMedia | None:
        """Return the media part if it takes part in answering an offer with these sections."""
        is_wanted = self._media is not None or self.on_offer is not ignore
        return self._load_media() if is_wanted and any(each.is_audio_or_video for each in sections) else self._media

    async def accept_answer(self, sdp: str) -> None:
        if not self._has_local_offer:
            raise SdpError("an answer must follow an offer")
        description = SessionDescription.parse(sdp)
        remote = read_remote(description, is_offer=False)
        self._validate(remote)
        if self._media is not None:
            self._media.receive_answer(self._sections, description.media)
        self._has_local_offer = False
        self._set_remote(remote, is_client=remote.setup == "passive")
        if self._media is not None:
            self._call(self.on_negotiated)

    async def add_candidate(self, candidate: str | None) -> None:
        if candidate is None:
            return
        try:
            parsed = Candidate.from_init(candidate)
        except CandidateError as error:
            logger.debug("ignored a remote ICE candidate: %s", error)
            return
        if parsed is None:
            return
        if self._remote is not None:
            self.transport.add_remote_candidate(parsed)
        elif len(self._early_candidates) < MAX_EARLY_CANDIDATES:
            self._early_candidates.append(parsed)

    async def close(self) -> None:
        await self.transport.close()

    # Internals

    async def _gather(self) -> None:
        if self.transport.state is PeerState.CLOSED:
            raise SdpError("the peer connection is closed")
        await self.transport.gatherer.gather()

    def _validate(self, remote: RemoteParameters) -> None:
        """Check a remote description. Raises SdpError if it requires something unsupported."""
        if remote.sctp_port != SCTP_PORT:
            raise SdpError(f"a=sctp-port:{remote.sctp_port} is not supported, only {SCTP_PORT}")
        known = self._remote
        if known is not None and set(known.fingerprints) != set(remote.fingerprints):
            raise SdpError("the peer's certificate has changed, which requires a new peer connection")

    def _set_remote(self, remote: RemoteParameters, *, is_client: bool) -> None:
        transport = self.transport
        agent, now = transport.agent, transport.now
        previous: Credentials | None = self._remote.credentials if self._remote else None
        if remote.is_ice_lite:
            agent.controlling = True  # RFC 8445 section 6.1.1
        if previous is not None and remote.credentials != previous and agent.remote_credentials is not None:
            agent.restart(now)
        self._remote = remote
        transport.association.max_message_size = remote.max_message_size
        transport.peer_max_packet_size = remote.max_packet_size
        agent.set_remote_credentials(remote.credentials, now)
        early, self._early_candidates = self._early_candidates, []
        for candidate in (*remote.candidates, *early):
            transport.add_remote_candidate(candidate)
        if transport.dtls is None:
            transport.start_dtls(list(remote.fingerprints), is_client=is_client)
        transport.schedule_flush()

    def _describe(self, setup: str, media: Mapping[str, MediaSection] = NO_MEDIA) -> str:
        self._version += 1
        agent, gatherer = self.transport.agent, self.transport.gatherer
        gatherer.accept(agent.credentials.ufrag)
        local = LocalParameters(
            credentials=agent.credentials,
            fingerprint=local_certificate().fingerprint,
            setup=setup,
            candidates=gatherer.candidates,
            end_of_candidates=gatherer.is_gathered,
            max_message_size=MAX_MESSAGE_SIZE,
            max_packet_size=MAX_RECEIVED_PACKET,
        )
        description = describe(
            self._sections, local, session_id=self._session_id, version=self._version, bundle=self._bundle, media=media
        )
        if gatherer.is_gathered and not self._has_described_candidates:
            self._call(self.on_candidate, None)
        self._has_described_candidates = True
        return str(description)

    def _trickle(self, candidate: Candidate) -> None:
        if self._has_described_candidates:
            ufrag = self.transport.agent.credentials.ufrag
            self._call(self.on_candidate, candidate.to_init(self._mid, self._index, ufrag))

    def _channel_opened(self, channel: Channel) -> None:
        self._call(self.on_channel, channel)

    def _state_changed(self, state: PeerState) -> None:
        self._call(self.on_state, state)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception:
            logger.exception("a callback of the peer connection failed")
