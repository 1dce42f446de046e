"""The audio resampler."""

from __future__ import annotations

from livekit.media.audio.resampler import AudioResampler, AudioResamplerQuality

__all__ = ["AudioResampler", "AudioResamplerQuality"]
