"""Streams of audio."""

from __future__ import annotations

from livekit.media.audio import AudioStream, NoiseCancellationOptions
from livekit.media.frames import AudioFrameEvent

__all__ = ["AudioFrameEvent", "AudioStream", "NoiseCancellationOptions"]
