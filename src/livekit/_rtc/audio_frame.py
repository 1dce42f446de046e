"""Audio frames."""

from __future__ import annotations

from livekit.media.audio.frame import AudioFrame

__all__ = ["AudioFrame"]
