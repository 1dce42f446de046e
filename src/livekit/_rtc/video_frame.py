"""Frames of video."""

from __future__ import annotations

from livekit.media.frames import VideoFrame

__all__ = ["VideoFrame"]
