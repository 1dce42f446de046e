"""Frames of audio."""

from __future__ import annotations

from livekit.media.frames import AudioFrame

__all__ = ["AudioFrame"]
