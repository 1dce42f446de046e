"""Audio streams."""

from __future__ import annotations

from livekit import AudioFrame, FrameProcessor, Participant, Track
from livekit.media.audio.frame import AudioFrameEvent
from livekit.media.audio.stream import AudioStream, NoiseCancellationOptions

__all__ = [
    "AudioFrame",
    "AudioFrameEvent",
    "AudioStream",
    "FrameProcessor",
    "NoiseCancellationOptions",
    "Participant",
    "Track",
]
