"""Audio filters."""

from __future__ import annotations

from livekit.media.audio.processing import AudioFilter

__all__ = ["AudioFilter"]
