"""Audio and video synchronization."""

from __future__ import annotations

from livekit import AudioFrame, AudioSource, VideoFrame, VideoSource
from livekit.media.synchronizer import AVSynchronizer

__all__ = ["AVSynchronizer", "AudioFrame", "AudioSource", "VideoFrame", "VideoSource"]
