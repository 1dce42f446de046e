"""Protobuf types of tracks."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.enums_pb2 import (
    FMF_FRAME_ID,
    FMF_USER_DATA,
    FMF_USER_TIMESTAMP,
    KIND_AUDIO,
    KIND_UNKNOWN,
    KIND_VIDEO,
    SOURCE_CAMERA,
    SOURCE_MICROPHONE,
    SOURCE_SCREENSHARE,
    SOURCE_SCREENSHARE_AUDIO,
    SOURCE_UNKNOWN,
    STATE_ACTIVE,
    STATE_PAUSED,
    STATE_UNKNOWN,
    TF_AUTO_GAIN_CONTROL,
    TF_ECHO_CANCELLATION,
    TF_ENHANCED_NOISE_CANCELLATION,
    TF_NO_DTX,
    TF_NOISE_SUPPRESSION,
    TF_PRECONNECT_BUFFER,
    TF_STEREO,
    AudioTrackFeature,
    FrameMetadataFeature,
    StreamState,
    TrackKind,
    TrackSource,
)
from livekit._proto.handles_pb2 import (
    OwnedTrack,
    OwnedTrackPublication,
    TrackInfo,
    TrackPublicationInfo,
)
from livekit._proto.messages_pb2 import (
    ParticipantTrackPermission,
)

__all__ = [
    "FMF_FRAME_ID",
    "FMF_USER_DATA",
    "FMF_USER_TIMESTAMP",
    "KIND_AUDIO",
    "KIND_UNKNOWN",
    "KIND_VIDEO",
    "SOURCE_CAMERA",
    "SOURCE_MICROPHONE",
    "SOURCE_SCREENSHARE",
    "SOURCE_SCREENSHARE_AUDIO",
    "SOURCE_UNKNOWN",
    "STATE_ACTIVE",
    "STATE_PAUSED",
    "STATE_UNKNOWN",
    "TF_AUTO_GAIN_CONTROL",
    "TF_ECHO_CANCELLATION",
    "TF_ENHANCED_NOISE_CANCELLATION",
    "TF_NOISE_SUPPRESSION",
    "TF_NO_DTX",
    "TF_PRECONNECT_BUFFER",
    "TF_STEREO",
    "AudioTrackFeature",
    "FrameMetadataFeature",
    "OwnedTrack",
    "OwnedTrackPublication",
    "ParticipantTrackPermission",
    "StreamState",
    "TrackInfo",
    "TrackKind",
    "TrackPublicationInfo",
    "TrackSource",
]


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
