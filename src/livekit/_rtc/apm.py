"""Audio processing: echo cancellation, noise suppression, gain control."""

from __future__ import annotations

from livekit.media.audio.processing import AudioProcessingModule

__all__ = ["AudioProcessingModule"]
