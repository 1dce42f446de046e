"""The audio mixer."""

from __future__ import annotations

from livekit import AudioFrame
from livekit.media.audio.mixer import AudioMixer

__all__ = ["AudioFrame", "AudioMixer"]
