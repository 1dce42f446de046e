"""Helpers."""

from __future__ import annotations

from livekit.media.audio.frame import combine_audio_frames
from livekit.media.audio.tone import sine_wave_generator

__all__ = ["combine_audio_frames", "sine_wave_generator"]
