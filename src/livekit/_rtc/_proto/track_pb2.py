"""Protobuf types of tracks."""

from __future__ import annotations

from livekit.enums import AudioTrackFeature, FrameMetadataFeature, StreamState, TrackKind, TrackSource
from livekit.messages import ParticipantTrackPermission

__all__ = [
    "AudioTrackFeature",
    "FrameMetadataFeature",
    "ParticipantTrackPermission",
    "StreamState",
    "TrackKind",
    "TrackSource",
]
