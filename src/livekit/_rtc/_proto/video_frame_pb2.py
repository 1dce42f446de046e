"""Protobuf types of video frames."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.enums_pb2 import (
    ABGR,
    ARGB,
    AV1,
    BGRA,
    ENCODED_FRAME_DELTA,
    ENCODED_FRAME_KEY,
    H264,
    H265,
    I010,
    I420,
    I420A,
    I422,
    I444,
    NV12,
    RGB24,
    RGBA,
    VIDEO_ROTATION_0,
    VIDEO_ROTATION_90,
    VIDEO_ROTATION_180,
    VIDEO_ROTATION_270,
    VIDEO_SOURCE_ENCODED,
    VIDEO_SOURCE_NATIVE,
    VIDEO_STREAM_HTML,
    VIDEO_STREAM_NATIVE,
    VIDEO_STREAM_WEBGL,
    VP8,
    VP9,
    EncodedFrameType,
    VideoBufferType,
    VideoCodec,
    VideoRotation,
    VideoSourceType,
    VideoStreamType,
)
from livekit._proto.messages_pb2 import (
    FrameMetadata,
)

__all__ = [
    "ABGR",
    "ARGB",
    "AV1",
    "BGRA",
    "ENCODED_FRAME_DELTA",
    "ENCODED_FRAME_KEY",
    "H264",
    "H265",
    "I010",
    "I420",
    "I420A",
    "I422",
    "I444",
    "NV12",
    "RGB24",
    "RGBA",
    "VIDEO_ROTATION_0",
    "VIDEO_ROTATION_90",
    "VIDEO_ROTATION_180",
    "VIDEO_ROTATION_270",
    "VIDEO_SOURCE_ENCODED",
    "VIDEO_SOURCE_NATIVE",
    "VIDEO_STREAM_HTML",
    "VIDEO_STREAM_NATIVE",
    "VIDEO_STREAM_WEBGL",
    "VP8",
    "VP9",
    "EncodedFrameType",
    "FrameMetadata",
    "VideoBufferType",
    "VideoCodec",
    "VideoRotation",
    "VideoSourceType",
    "VideoStreamType",
]


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
