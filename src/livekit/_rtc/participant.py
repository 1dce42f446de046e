"""Participants."""

from __future__ import annotations

from livekit import (
    ConnectionQuality,
    DegradationPreference,
    LocalParticipant,
    Participant,
    RemoteParticipant,
    RpcHandler,
)
from livekit.data.errors import PublishDataError, PublishDTMFError, PublishTranscriptionError
from livekit.datatracks.tracks import PublishDataTrackError
from livekit.media.publisher import PublishTrackError, UnpublishTrackError

__all__ = [
    "ConnectionQuality",
    "DegradationPreference",
    "LocalParticipant",
    "Participant",
    "PublishDTMFError",
    "PublishDataError",
    "PublishDataTrackError",
    "PublishTrackError",
    "PublishTranscriptionError",
    "RemoteParticipant",
    "RpcHandler",
    "UnpublishTrackError",
]
