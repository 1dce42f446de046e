"""The media sections of one session's peer connections, loaded when the first track is published or announced.

With one peer connection the client offers all sections: a track of its own gets a section whose a=msid has the track's
client id, and the server sends remote tracks in sections that the client offers to receive, as many as the server asks
for. With two the server offers those of remote tracks on the subscriber. (livekit-server 1.13.5)
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from livekit._util.callbacks import ignore
from livekit.media.rtcp_scheduler import RtcpScheduler
from livekit.protocol import rtc
from livekit.webrtc import PeerState
from livekit.webrtc.media_interfaces import Codec, Direction, MediaConnection, MediaKind, MediaStreamId, Transceiver
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI

from .pc_transport import PCTransport

if TYPE_CHECKING:
    from livekit.stats import RtcStats

__all__ = ["MAX_OFFERED_SECTIONS", "MediaTransport", "ReceivedTrack"]

logger = logging.getLogger("livekit.engine")

MAX_OFFERED_SECTIONS = 500
"""Sections to receive that the server may ask for."""

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1")
RED = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")
"""RFC 2198. Payload types are those of libwebrtc."""


@dataclass(frozen=True, slots=True)
class ReceivedTrack:
    """A remote track that the server sends."""

    sid: str
    participant_sid: str
    transceiver: Transceiver
    rtcp: RtcpScheduler
    """Exchanges the reports of its peer connection."""


class MediaTransport:
    """Sections of tracks, sent and received. Its creator must `close` it."""

    def __init__(self, publisher: PCTransport, subscriber: PCTransport | None) -> None:
        self.on_track: Callable[[ReceivedTrack], None] = ignore
        """The server sends a remote track from now on."""
        self.on_track_ended: Callable[[str], None] = ignore
        """The server does not send the track of this sid any more."""
        self._publisher = publisher
        self._connection = cast("MediaConnection", publisher.peer)
        self._receiving = self._connection
        self._ended: list[Transceiver] = []
        """Sections of own tracks that have ended."""
        self._track_sids: dict[str, str] = {}
        """Sids of remote tracks by mid, in the server's last answer."""
        self._received: dict[str, ReceivedTrack] = {}
        cname = secrets.token_urlsafe(12)
        self.rtcp = self._received_rtcp = RtcpScheduler(self._connection, cname)
        if subscriber is None:
            publisher.on_answer = self._on_answer
        else:
            self._receiving = cast("MediaConnection", subscriber.peer)
            self._received_rtcp = RtcpScheduler(self._receiving, cname)
            self._receiving.on_offer = self._accept_sections
        self._receiving.on_negotiated = self._update_received

    # Own tracks

    def send_audio(self, cid: str, *, red: bool, dtx: bool, stereo: bool) -> Transceiver:
        """Offer a section for the audio track that the server knows by `cid`; reuses one that is free."""
        parameters = [name for name, used in (("usedtx=1", dtx), ("stereo=1;sprop-stereo=1", stereo)) if used]
        codecs = audio_codecs(red=red, parameters=parameters)
        # The server must have seen the end of a track before its section is used again.
        free = [each for each in self._ended if each.mid and each.remote_direction is Direction.INACTIVE]
        transceiver = free[0] if free else None
        if transceiver is None:
            transceiver = self._connection.add_transceiver(
                MediaKind.AUDIO, Direction.SENDONLY, codecs, extensions=(AUDIO_LEVEL_URI,)
            )
        else:
            self._ended.remove(transceiver)
            transceiver.ssrc = secrets.randbelow((1 << 32) - 1) + 1
        transceiver.direction = Direction.SENDONLY
        transceiver.codecs = codecs
        transceiver.stream_id = MediaStreamId("-", cid)
        self._publisher.negotiate()
        return transceiver

    def stop_sending(self, transceiver: Transceiver) -> None:
        """Free the section of a track: the server unpublishes it."""
        transceiver.direction = Direction.INACTIVE
        transceiver.stream_id = None
        self._ended.append(transceiver)
        self._publisher.negotiate()

    # Remote tracks

    def add_sections(self, requirement: rtc.MediaSectionsRequirement) -> None:
        """Offer to receive as many more tracks as the server requires. Video is not received yet."""
        free = MAX_OFFERED_SECTIONS - len(self._connection.transceivers)
        for _ in range(min(requirement.num_audios, free)):
            self._connection.add_transceiver(
                MediaKind.AUDIO, Direction.RECVONLY, audio_codecs(), extensions=(AUDIO_LEVEL_URI,)
            )
        self._publisher.negotiate()

    def _on_answer(self, answer: rtc.SessionDescription) -> None:
        self._track_sids = dict(answer.mid_to_track_id)

    def _accept_sections(self) -> None:
        """Answer the server's offer on the subscriber: receive all audio."""
        for transceiver in self._receiving.transceivers:
            if transceiver.kind is MediaKind.AUDIO and transceiver.direction is Direction.INACTIVE:
                transceiver.direction = Direction.RECVONLY
                transceiver.codecs = audio_codecs()
                transceiver.extensions = (AUDIO_LEVEL_URI,)

    def _update_received(self) -> None:
        """Report the tracks that the last negotiation began and ended."""
        current = {track.sid: track for track in map(self._received_track, self._receiving.transceivers) if track}
        before, self._received = self._received, current
        for sid, track in before.items():
            if sid not in current or current[sid].transceiver is not track.transceiver:
                self.on_track_ended(sid)
        for sid, track in current.items():
            if sid not in before or before[sid].transceiver is not track.transceiver:
                self.on_track(track)

    def _received_track(self, transceiver: Transceiver) -> ReceivedTrack | None:
        direction, stream = transceiver.current_direction, transceiver.remote_stream_id
        if direction is None or not direction.receives or stream is None:
            return None
        participant_sid, _, track_sid = stream.stream.partition("|")
        sid = self._track_sids.get(transceiver.mid or "") or (track_sid if track_sid.startswith("TR") else stream.track)
        if not participant_sid.startswith("PA"):
            return None
        return ReceivedTrack(sid, participant_sid, transceiver, self._received_rtcp)

    @property
    def received_sids(self) -> Collection[str]:
        """The sids of the remote tracks that the server sends."""
        return self._received.keys()

    # The connection

    def stats(self) -> list[RtcStats]:
        """Return the statistics of the connection that tracks are sent on: candidate_pair and transport."""
        from livekit.media.connection_stats import connection_stats

        peer = self._publisher.peer
        return connection_stats(peer.round_trip_time, connected=peer.state is PeerState.CONNECTED)

    def close(self) -> None:
        """Stop exchanging reports, and call nothing any more."""
        self.on_track = self.on_track_ended = ignore
        self.rtcp.close()
        self._received_rtcp.close()


def audio_codecs(*, red: bool = True, parameters: Sequence[str] = ()) -> list[Codec]:
    """Return the codecs of an audio section; `parameters` are added to those of Opus (RFC 7587)."""
    opus = replace(OPUS, parameters=";".join((OPUS.parameters, *parameters)))
    return [opus, RED] if red else [opus]
