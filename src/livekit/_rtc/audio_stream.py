"""Audio streams."""

from __future__ import annotations

from livekit.media.audio.frame import AudioFrameEvent
from livekit.media.audio.stream import AudioStream, NoiseCancellationOptions

__all__ = ["AudioFrameEvent", "AudioStream", "NoiseCancellationOptions"]
