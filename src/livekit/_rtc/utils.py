"""Helpers."""

from __future__ import annotations

from livekit import AudioFrame
from livekit.media.audio.frame import combine_audio_frames
from livekit.media.audio.tone import sine_wave_generator

__all__ = ["AudioFrame", "combine_audio_frames", "sine_wave_generator"]
