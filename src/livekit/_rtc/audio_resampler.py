"""The audio resampler."""

from __future__ import annotations

from livekit import AudioFrame
from livekit.media.audio.resampler import AudioResampler, AudioResamplerQuality

__all__ = ["AudioFrame", "AudioResampler", "AudioResamplerQuality"]
