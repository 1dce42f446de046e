"""Protobuf types of the room."""

from __future__ import annotations

from livekit.enums import (
    ConnectionState,
    ContinualGatheringPolicy,
    DataPacketKind,
    IceTransportType,
    SimulateScenarioKind,
    VideoEncoderBackend,
)
from livekit.messages import AudioEncoding, IceServer, RoomInfo, TrackPublishOptions, VideoEncoding

__all__ = [
    "AudioEncoding",
    "ConnectionState",
    "ContinualGatheringPolicy",
    "DataPacketKind",
    "IceServer",
    "IceTransportType",
    "RoomInfo",
    "SimulateScenarioKind",
    "TrackPublishOptions",
    "VideoEncoderBackend",
    "VideoEncoding",
]
