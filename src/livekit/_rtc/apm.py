"""Audio processing: echo cancellation, noise suppression, gain control."""

from __future__ import annotations

from livekit import AudioFrame
from livekit.media.audio.processing import AudioProcessingModule

__all__ = ["AudioFrame", "AudioProcessingModule"]
