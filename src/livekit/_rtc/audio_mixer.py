"""Mixing audio."""

from __future__ import annotations

from livekit.media.audio import AudioMixer

__all__ = ["AudioMixer"]
