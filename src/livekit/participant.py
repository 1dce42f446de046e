"""Participants of a room."""

from __future__ import annotations

import datetime
import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from livekit.protocol import models

from ._util.enum_names import enum_name
from .media.publications import RemoteTrackPublication, TrackPublication

if TYPE_CHECKING:
    from .enums import DisconnectReason, ParticipantKind, ParticipantKindDetail, ParticipantState, TrackSource
    from .media.audio.block import AudioFeed, TrackStream
    from .media.participant_audio import ParticipantAudio

__all__ = ["ConnectionQuality", "Participant", "RemoteParticipant"]


class ConnectionQuality(enum.IntEnum):
    """A participant's connection quality as measured by the server."""

    QUALITY_UNKNOWN = -1
    """The server has not reported a quality yet."""
    QUALITY_POOR = 0
    QUALITY_GOOD = 1
    QUALITY_EXCELLENT = 2
    QUALITY_LOST = 3


@dataclass(slots=True)
class ParticipantRecord:
    """The announced state of one participant (internal): `ParticipantTable` writes it, `Participant` reads it."""

    info: models.ParticipantInfo
    connection_quality: ConnectionQuality = ConnectionQuality.QUALITY_UNKNOWN
    publications: dict[str, TrackPublication] = field(default_factory=dict[str, TrackPublication])
    """Audio and video tracks by sid."""
    audio: ParticipantAudio | None = None
    """Set with the first `AudioStream.from_participant`."""

    def update_audio(self) -> None:
        """Let the participant's streams follow its tracks, of which one has come or gone."""
        if self.audio is not None:
            self.audio.update()

    def end_audio(self) -> None:
        """End the participant's streams."""
        if self.audio is not None:
            self.audio.end()


class Participant(ABC):
    """A participant of the room. Its properties follow the server's announcements."""

    def __init__(self, record: ParticipantRecord) -> None:
        self._record = record
        self._info = record.info

    @property
    def sid(self) -> str:
        """The server's id of this connection. It changes with a full reconnect."""
        return self._info.sid

    @property
    def identity(self) -> str:
        """The identity, unique in the room."""
        return self._info.identity

    @property
    def name(self) -> str:
        """The display name."""
        return self._info.name

    @property
    def metadata(self) -> str:
        """Metadata set by the application."""
        return self._info.metadata

    @property
    def attributes(self) -> dict[str, str]:
        """A copy of the participant's attributes."""
        return dict(self._info.attributes)

    @property
    def kind(self) -> ParticipantKind.ValueType:
        """Standard, agent, SIP, …; standard if this package does not know the kind yet."""
        from .enums import ParticipantKind

        name = enum_name(models.ParticipantInfo.Kind, self._info.kind)
        try:
            return ParticipantKind.Value(f"PARTICIPANT_KIND_{name}")
        except ValueError:
            return ParticipantKind.PARTICIPANT_KIND_STANDARD

    @property
    def kind_details(self) -> list[ParticipantKindDetail.ValueType]:
        """Details of `kind`: cloud agent, WhatsApp connector, …"""
        return [cast("ParticipantKindDetail.ValueType", detail) for detail in self._info.kind_details]

    @property
    @abstractmethod
    def track_publications(self) -> Mapping[str, TrackPublication]:
        """Published audio and video tracks by sid."""

    @property
    def state(self) -> ParticipantState.ValueType:
        """Joining, joined, active (ready to receive data) or disconnected."""
        from .enums import ParticipantState

        name = enum_name(models.ParticipantInfo.State, self._info.state)
        try:
            return ParticipantState.Value(f"PARTICIPANT_STATE_{name}")
        except ValueError:
            return ParticipantState.PARTICIPANT_STATE_JOINING

    @property
    def joined_at(self) -> datetime.datetime | None:
        """The time of joining, in UTC; None before that."""
        milliseconds = self._info.joined_at_ms or self._info.joined_at * 1000
        if not milliseconds:
            return None
        return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.timezone.utc)

    @property
    def permissions(self) -> models.ParticipantPermission:
        """The permissions granted by the participant's access token."""
        return self._info.permission

    @property
    def connection_quality(self) -> ConnectionQuality:
        """The quality that the server reported last."""
        return self._record.connection_quality

    @property
    def disconnect_reason(self) -> DisconnectReason.ValueType | None:
        """The reason for leaving; None while the participant is in the room."""
        return cast("DisconnectReason.ValueType", self._info.disconnect_reason) or None

    # Audio of the participant's sources, for `AudioStream.from_participant`

    def _audio(self) -> ParticipantAudio:
        if self._record.audio is None:
            from .media.participant_audio import ParticipantAudio

            self._record.audio = ParticipantAudio(self._record.publications)
        return self._record.audio

    def _audio_feed(self, source: TrackSource.ValueType) -> AudioFeed:
        return self._audio().feed(source)

    def _register_audio_stream(self, stream: TrackStream) -> None:
        self._audio().streams.add(stream)

    def _unregister_audio_stream(self, stream: TrackStream) -> None:
        self._audio().streams.discard(stream)

    def __repr__(self) -> str:
        return f"rtc.{type(self).__name__}(sid={self.sid}, identity={self.identity}, name={self.name})"


class RemoteParticipant(Participant):
    """Another participant of the room."""

    @property
    def track_publications(self) -> Mapping[str, RemoteTrackPublication]:
        return cast("dict[str, RemoteTrackPublication]", self._record.publications)
