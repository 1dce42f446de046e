"""The sections of a connection in which its participant publishes tracks. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from livekit.protocol import models
from livekit.server.participant import Participant
from livekit.webrtc.media_interfaces import Direction, MediaConnection, MediaKind, Transceiver

from .codecs import published_codecs
from .media_tracks import MediaTracks
from .published_track import PublishedTrack

__all__ = ["PublicationSections"]

logger = logging.getLogger(__name__)

AUDIO_EXTENSIONS: Final = ("urn:ietf:params:rtp-hdrext:ssrc-audio-level",)
"""Besides those that identify streams, which every section accepts."""
TRACK_TYPES: Final = {MediaKind.AUDIO: models.TrackType.AUDIO, MediaKind.VIDEO: models.TrackType.VIDEO}


class PublicationSections:
    """Matches the sections that the client sends media in with the tracks that it asked to publish."""

    def __init__(self, participant: Participant, find_tracks: Callable[[], MediaTracks]) -> None:
        """`find_tracks` returns the tracks of the participant's room, which may change."""
        self._participant: Final = participant
        self._find_tracks: Final = find_tracks
        self._carried: dict[Transceiver, PublishedTrack] = {}
        self._claimed: dict[Transceiver, str] = {}
        """Sections of pending tracks, by whose cid they are known, until the answer is sent."""
        self._stream_cids: dict[Transceiver, str] = {}
        """The track id of each section when it was matched."""

    def receive_offer(self, connection: MediaConnection) -> None:
        """Choose the direction and codecs of the sections that carry tracks, and of those that do no longer."""
        self._claimed.clear()
        for section in connection.transceivers:
            if not section.remote_direction.sends:
                if section.direction.receives:
                    section.direction = Direction.INACTIVE
                continue
            section.direction = Direction.RECVONLY
            if not self._is_unchanged(section):
                self._stream_cids[section] = _track_id(section)
        self._match(connection)

    def _is_unchanged(self, section: Transceiver) -> bool:
        return section in self._carried and self._stream_cids.get(section) == _track_id(section)

    def _match(self, connection: MediaConnection) -> None:
        """Find the tracks of new sections, those first whose id the participant announced."""
        new = [s for s in connection.transceivers if s.remote_direction.sends and not self._is_unchanged(s)]
        pending = self._participant.media.pending
        for section in sorted(new, key=lambda each: _track_id(each) not in pending):
            info = self._published(section) or self._claim(section)
            section.codecs = published_codecs(info, section.kind)
            section.extensions = AUDIO_EXTENSIONS if section.kind is MediaKind.AUDIO else ()

    def _published(self, section: Transceiver) -> models.TrackInfo | None:
        """Let the section carry a published track whose previous connection was replaced."""
        for track in self._participant.media.published.values():
            if track.section is None and track.has_cid(_track_id(section)):
                self._carry(section, track)
                return track.info
        return None

    def _claim(self, section: Transceiver) -> models.TrackInfo | None:
        media = self._participant.media
        cid = media.match_pending(_track_id(section), TRACK_TYPES[section.kind], list(self._claimed.values()))
        if cid is None:
            return None
        self._claimed[section] = cid
        return media.pending[cid].infos[0]

    def negotiated(self, now: float) -> None:
        """Publish the tracks of new sections, and end those whose section ended; call it after the answer is sent."""
        tracks = self._find_tracks()
        for section, track in list(self._carried.items()):
            if not self._is_unchanged(section) or not section.remote_direction.sends:
                del self._carried[section]
                track.section = None
                tracks.unpublish(self._participant, track.sid)
        claimed, self._claimed = self._claimed, {}
        for section, cid in claimed.items():
            self._publish(tracks, section, cid, now)

    def track_added(self, now: float) -> None:
        """Publish pending tracks whose section was negotiated before they were announced."""
        sections = [s for s in self._stream_cids if s not in self._carried and s.remote_direction.sends]
        for section in sections:
            if self._claim(section) is not None:
                self._publish(self._find_tracks(), section, self._claimed.pop(section), now)

    def _publish(self, tracks: MediaTracks, section: Transceiver, cid: str, now: float) -> None:
        direction, codecs = section.current_direction, section.current_codecs
        if direction is None or not direction.receives or not codecs:
            logger.debug("section %s of %r has no codec in common", section.mid, self._participant)
            return
        track = tracks.publish(
            self._participant,
            cid,
            stream_cid=_track_id(section),
            mid=section.mid or "",
            mime_type=f"{section.kind.value}/{codecs[0].name}",
            now=now,
        )
        if track is not None:
            self._carry(section, track)

    def _carry(self, section: Transceiver, track: PublishedTrack) -> None:
        self._carried[section] = track
        track.section = section

    def connection_replaced(self) -> None:
        """Forget all sections; the published tracks wait for those of the new connection."""
        for track in self._carried.values():
            track.section = None
        self._carried.clear()
        self._claimed.clear()
        self._stream_cids.clear()


def _track_id(section: Transceiver) -> str:
    return section.remote_stream_id.track if section.remote_stream_id is not None else ""
