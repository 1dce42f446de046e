"""Video sources."""

from __future__ import annotations

from livekit.media.video.source import VideoSource

__all__ = ["VideoSource"]
