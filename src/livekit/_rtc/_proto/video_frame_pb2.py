"""Protobuf types of video frames."""

from __future__ import annotations

from livekit.enums import EncodedFrameType, VideoBufferType, VideoCodec, VideoRotation
from livekit.messages import FrameMetadata

__all__ = ["EncodedFrameType", "FrameMetadata", "VideoBufferType", "VideoCodec", "VideoRotation"]
