"""Audio sources."""

from __future__ import annotations

from livekit.media.audio.source import AudioSource

__all__ = ["AudioSource"]
