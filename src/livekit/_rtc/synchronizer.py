"""Audio and video synchronization."""

from __future__ import annotations

from livekit.media.synchronizer import AVSynchronizer

__all__ = ["AVSynchronizer"]
