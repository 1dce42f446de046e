"""Video sources."""

from __future__ import annotations

from livekit import VideoFrame
from livekit.media.video.source import VideoSource

__all__ = ["VideoFrame", "VideoSource"]
