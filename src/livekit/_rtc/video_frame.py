"""Video frames."""

from __future__ import annotations

from livekit.media.video.frame import VideoFrame

__all__ = ["VideoFrame"]
