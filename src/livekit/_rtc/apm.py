"""Echo cancellation and the like."""

from __future__ import annotations

from livekit.media.audio.processing import AudioProcessingModule

__all__ = ["AudioProcessingModule"]
