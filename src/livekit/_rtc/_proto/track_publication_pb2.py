"""Protobuf types of track publications."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.enums_pb2 import (
    VIDEO_QUALITY_HIGH,
    VIDEO_QUALITY_LOW,
    VIDEO_QUALITY_MEDIUM,
    VideoQuality,
)

__all__ = [
    "VIDEO_QUALITY_HIGH",
    "VIDEO_QUALITY_LOW",
    "VIDEO_QUALITY_MEDIUM",
    "VideoQuality",
]


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
