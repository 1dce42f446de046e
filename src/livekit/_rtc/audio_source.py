"""Audio sources."""

from __future__ import annotations

from livekit import AudioFrame
from livekit.media.audio.source import AudioSource

__all__ = ["AudioFrame", "AudioSource"]
