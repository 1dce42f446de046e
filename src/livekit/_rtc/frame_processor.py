"""What changes frames."""

from __future__ import annotations

from livekit.media.audio import FrameProcessor

__all__ = ["FrameProcessor"]
