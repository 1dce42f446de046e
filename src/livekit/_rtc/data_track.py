"""Data tracks."""

from __future__ import annotations

from livekit import (
    DataTrackFrame,
    DataTrackInfo,
    DataTrackStream,
    LocalDataTrack,
    PushFrameError,
    RemoteDataTrack,
    SubscribeDataTrackError,
)

__all__ = [
    "DataTrackFrame",
    "DataTrackInfo",
    "DataTrackStream",
    "LocalDataTrack",
    "PushFrameError",
    "RemoteDataTrack",
    "SubscribeDataTrackError",
]
