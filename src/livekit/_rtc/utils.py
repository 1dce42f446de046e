"""Helpers."""

from __future__ import annotations

from livekit.media.audio.frame import combine_audio_frames

__all__ = ["combine_audio_frames"]
