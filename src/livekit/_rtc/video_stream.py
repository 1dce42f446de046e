"""Streams of video."""

from __future__ import annotations

from livekit.media.frames import VideoFrameEvent
from livekit.media.video import VideoStream

__all__ = ["VideoFrameEvent", "VideoStream"]
