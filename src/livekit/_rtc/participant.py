"""Participants."""

from __future__ import annotations

from livekit import (
    ByteStreamInfo,
    ByteStreamWriter,
    ConnectionQuality,
    DegradationPreference,
    LocalDataTrack,
    LocalParticipant,
    LocalTrack,
    LocalTrackPublication,
    Participant,
    RemoteParticipant,
    RemoteTrackPublication,
    RpcCallInfo,
    RpcError,
    RpcHandler,
    RpcInterceptor,
    RpcInvocationData,
    StreamError,
    TextStreamInfo,
    TextStreamWriter,
    TrackPublication,
    Transcription,
)
from livekit.data.errors import PublishDataError, PublishDTMFError, PublishTranscriptionError
from livekit.datatracks.tracks import PublishDataTrackError
from livekit.media.publisher import PublishTrackError, UnpublishTrackError
from livekit.rtc._proto import participant_pb2 as proto_participant
from livekit.rtc._utils import BroadcastQueue

__all__ = [
    "BroadcastQueue",
    "ByteStreamInfo",
    "ByteStreamWriter",
    "ConnectionQuality",
    "DegradationPreference",
    "LocalDataTrack",
    "LocalParticipant",
    "LocalTrack",
    "LocalTrackPublication",
    "Participant",
    "PublishDTMFError",
    "PublishDataError",
    "PublishDataTrackError",
    "PublishTrackError",
    "PublishTranscriptionError",
    "RemoteParticipant",
    "RemoteTrackPublication",
    "RpcCallInfo",
    "RpcError",
    "RpcHandler",
    "RpcInterceptor",
    "RpcInvocationData",
    "StreamError",
    "TextStreamInfo",
    "TextStreamWriter",
    "TrackPublication",
    "Transcription",
    "UnpublishTrackError",
    "proto_participant",
]


def _connection_quality_from_proto(value: int) -> ConnectionQuality:  # pyright: ignore[reportUnusedFunction]  # official
    """Return the quality of a protobuf value, QUALITY_UNKNOWN for unknown ones."""
    try:
        return ConnectionQuality(value)
    except ValueError:
        return ConnectionQuality.QUALITY_UNKNOWN
