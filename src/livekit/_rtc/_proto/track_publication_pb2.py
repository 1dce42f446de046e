"""Protobuf types of track publications."""

from __future__ import annotations

from livekit.enums import VideoQuality

__all__ = ["VideoQuality"]
