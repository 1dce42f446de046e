"""Track publications."""

from __future__ import annotations

from livekit.enums import VideoQuality
from livekit.media.publications import LocalTrackPublication, RemoteTrackPublication, TrackPublication

__all__ = ["LocalTrackPublication", "RemoteTrackPublication", "TrackPublication", "VideoQuality"]
