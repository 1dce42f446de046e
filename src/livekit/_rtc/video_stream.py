"""Video streams."""

from __future__ import annotations

from livekit import Participant, Track, VideoFrame
from livekit.media.video.frame import VideoFrameEvent
from livekit.media.video.stream import VideoStream

__all__ = ["Participant", "Track", "VideoFrame", "VideoFrameEvent", "VideoStream"]
