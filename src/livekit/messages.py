"""Messages of the official SDK: protobuf classes."""

from __future__ import annotations

from ._proto.messages_pb2 import (
    AudioEncoding,
    FrameMetadata,
    IceServer,
    ParticipantPermission,
    ParticipantTrackPermission,
    RoomInfo,
    TrackPublishOptions,
    VideoEncoding,
)

__all__ = [
    "AudioEncoding",
    "FrameMetadata",
    "IceServer",
    "ParticipantPermission",
    "ParticipantTrackPermission",
    "RoomInfo",
    "TrackPublishOptions",
    "VideoEncoding",
]
