"""Frame processors."""

from __future__ import annotations

from livekit import AudioFrame, VideoFrame
from livekit.media.frame_processor import FrameProcessor

__all__ = ["AudioFrame", "FrameProcessor", "VideoFrame"]
