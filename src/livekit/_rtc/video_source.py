"""Sources of video."""

from __future__ import annotations

from livekit.media.video import VideoSource

__all__ = ["VideoSource"]
