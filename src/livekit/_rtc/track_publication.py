"""Track publications."""

from __future__ import annotations

from livekit import LocalTrack, RemoteTrack, Track
from livekit.enums import VideoQuality
from livekit.media.publications import LocalTrackPublication, RemoteTrackPublication, TrackPublication

__all__ = [
    "LocalTrack",
    "LocalTrackPublication",
    "RemoteTrack",
    "RemoteTrackPublication",
    "Track",
    "TrackPublication",
    "VideoQuality",
]
