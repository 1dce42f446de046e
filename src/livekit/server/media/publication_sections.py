"""The sections of a connection in which its participant publishes tracks. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from livekit.protocol import models
from livekit.server.participant import Participant
from livekit.webrtc.media_interfaces import Direction, MediaConnection, MediaKind, Transceiver
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI
from livekit.webrtc.rtp.packet import RtpPacket

from .codecs import EXTENSIONS, published_codecs
from .connection_reports import ConnectionReports
from .media_tracks import MediaTracks
from .published_track import PublishedTrack
from .publisher_limit import PublisherLimit
from .track_streams import TrackStreams

__all__ = ["PublicationSections"]

logger = logging.getLogger(__name__)

TRACK_TYPES: Final = {MediaKind.AUDIO: models.TrackType.AUDIO, MediaKind.VIDEO: models.TrackType.VIDEO}


class PublicationSections:
    """Matches the sections that the client sends media in with the tracks that it asked to publish."""

    def __init__(
        self, participant: Participant, find_tracks: Callable[[], MediaTracks], clock: Callable[[], float]
    ) -> None:
        """`find_tracks` returns the tracks of the participant's room, which may change."""
        self._participant: Final = participant
        self._find_tracks: Final = find_tracks
        self._clock: Final = clock
        self._limit: Final = PublisherLimit()
        self._carried: dict[Transceiver, PublishedTrack] = {}
        """Sections and the tracks that they carry, or carried before the track was ended."""
        self._ended: list[TrackStreams] = []
        """Streams of tracks whose section ended or carries another one, until the next offer is answered."""
        self._claimed: dict[Transceiver, str] = {}
        """Sections of pending tracks, by whose cid they are known, until the answer is sent."""
        self._track_ids: dict[Transceiver, str] = {}
        """The track id of each section when it was matched."""

    # Descriptions

    def receive_offer(self, connection: MediaConnection) -> None:
        """Choose the direction and codecs of the sections that carry tracks, and of those that do no longer."""
        self._claimed.clear()
        new: list[Transceiver] = []
        for section in connection.transceivers:
            section.extensions = EXTENSIONS[section.kind]
            if section.remote_direction.sends:
                section.direction = Direction.RECVONLY
                if not self._is_unchanged(section):
                    new.append(section)
            elif section.direction.receives:
                section.direction = Direction.INACTIVE
        pending = self._participant.media.pending
        for section in sorted(new, key=lambda each: _track_id(each) not in pending):  # exact matches first
            self._end(section)
            self._track_ids[section] = _track_id(section)
            info = self._find_published(section) or self._claim(section)
            section.codecs = published_codecs(info, section.kind)

    def _is_unchanged(self, section: Transceiver) -> bool:
        return section.remote_direction.sends and self._track_ids.get(section) == _track_id(section)

    def _find_published(self, section: Transceiver) -> models.TrackInfo | None:
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

    def negotiated(self, connection: MediaConnection, reports: ConnectionReports, now: float) -> None:
        """Publish the tracks of new sections, and end those whose section ended; call it after the answer is sent."""
        for section in list(self._track_ids):
            if not self._is_unchanged(section):
                self._end(section)
        self.refresh(reports)
        self._ended.clear()
        self.publish_claimed(connection, reports, now)
        for track in list(self._participant.media.published.values()):
            if track.section is None:  # the new connection does not carry it
                self._find_tracks().unpublish(self._participant, track.sid)

    def publish_claimed(self, connection: MediaConnection, reports: ConnectionReports, now: float) -> None:
        """Publish the pending tracks whose section is negotiated, also if they were announced after that."""
        for section in self._track_ids:
            if section not in self._carried and section not in self._claimed:
                self._claim(section)
        claimed, self._claimed = self._claimed, {}
        for section, cid in claimed.items():
            self._publish(section, cid, now)
        for section, track in self._carried.items():
            self._connect(section, track, connection, reports)

    def _publish(self, section: Transceiver, cid: str, now: float) -> None:
        direction, codecs = section.current_direction, section.current_codecs
        if direction is None or not direction.receives or not codecs:
            logger.debug("section %s of %r has no codec in common", section.mid, self._participant)
            return
        track = self._find_tracks().publish(
            self._participant,
            cid,
            stream_cid=_track_id(section),
            mid=section.mid or "",
            mime_type=f"{section.kind.value}/{codecs[0].name}",
            streams=TrackStreams(section.kind, self._limit),
            now=now,
        )
        if track is not None:
            self._carry(section, track)

    def _carry(self, section: Transceiver, track: PublishedTrack) -> None:
        self._carried[section] = track
        track.section = section

    def _end(self, section: Transceiver) -> None:
        """End the track of a section that the client has stopped or uses for another one."""
        self._track_ids.pop(section, None)
        track = self._carried.pop(section, None)
        if track is not None and track.streams is not None:
            self._ended.append(track.streams)
        if track is not None and track.section is section:
            track.disconnect()
            self._find_tracks().unpublish(self._participant, track.sid)

    # Packets

    def _connect(
        self, section: Transceiver, track: PublishedTrack, connection: MediaConnection, reports: ConnectionReports
    ) -> None:
        streams, clock = track.streams, self._clock
        if streams is None or track.section is not section:
            return
        streams.feedback_ssrc = section.ssrc
        streams.use_section(section.current_codecs, section.extension_id(AUDIO_LEVEL_URI), connection.send_rtcp)
        reports.add_track(streams)

        def receive(packet: RtpPacket, rid: str) -> None:
            streams.receive(packet, rid, clock())

        section.on_packet = receive

    def refresh(self, reports: ConnectionReports) -> None:
        """Report no more on tracks that were ended."""
        for section, track in self._carried.items():
            if track.section is not section and track.streams is not None:
                reports.remove_track(track.streams)
        for streams in self._ended:
            reports.remove_track(streams)

    def connection_replaced(self) -> None:
        """Forget all sections; the published tracks wait for those of the new connection."""
        for section, track in self._carried.items():
            if track.section is section:
                track.disconnect()
        self._carried.clear()
        self._claimed.clear()
        self._track_ids.clear()


def _track_id(section: Transceiver) -> str:
    return section.remote_stream_id.track if section.remote_stream_id is not None else ""
