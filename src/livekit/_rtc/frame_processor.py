"""Frame processors."""

from __future__ import annotations

from livekit.media.frame_processor import FrameProcessor

__all__ = ["FrameProcessor"]
