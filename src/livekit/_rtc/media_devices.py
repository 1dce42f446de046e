"""Microphones and loudspeakers."""

from __future__ import annotations

from livekit import AudioFrame, AudioMixer, AudioProcessingModule, AudioSource, AudioStream, Track
from livekit.media.devices import InputCapture, MediaDevices, OutputPlayer

__all__ = [
    "AudioFrame",
    "AudioMixer",
    "AudioProcessingModule",
    "AudioSource",
    "AudioStream",
    "InputCapture",
    "MediaDevices",
    "OutputPlayer",
    "Track",
]
