"""Sources and streams of video, by name."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.enums import VideoRotation
from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    import asyncio

    from livekit.enums import TrackSource, VideoBufferType
    from livekit.messages import FrameMetadata
    from livekit.participant import Participant

    from .audio import AudioSource
    from .frames import AudioFrame, EncodedVideoFrame, VideoFrame, VideoFrameEvent
    from .tracks import Track


class VideoSource:
    """Video that the application makes. Raises MediaNotBuiltError."""

    def __init__(self, width: int, height: int, *, is_screencast: bool = False) -> None:
        raise MediaNotBuiltError("VideoSource")

    def capture_frame(
        self,
        frame: VideoFrame,
        *,
        timestamp_us: int = 0,
        rotation: VideoRotation.ValueType = VideoRotation.VIDEO_ROTATION_0,
        metadata: FrameMetadata | None = None,
    ) -> None:
        raise MediaNotBuiltError

    async def aclose(self) -> None:
        raise MediaNotBuiltError


class VideoStream:
    """The frames of a track. Raises MediaNotBuiltError."""

    def __init__(
        self,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        format: VideoBufferType.ValueType | None = None,  # noqa: A002
        **kwargs: Any,
    ) -> None:
        raise MediaNotBuiltError("VideoStream")

    @classmethod
    def from_participant(
        cls,
        *,
        participant: Participant,
        track_source: TrackSource.ValueType,
        loop: asyncio.AbstractEventLoop | None = None,
        format: VideoBufferType.ValueType | None = None,  # noqa: A002
        capacity: int = 0,
    ) -> VideoStream:
        raise MediaNotBuiltError("VideoStream.from_participant")

    @classmethod
    def from_track(
        cls,
        *,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        format: VideoBufferType.ValueType | None = None,  # noqa: A002
        capacity: int = 0,
    ) -> VideoStream:
        raise MediaNotBuiltError("VideoStream.from_track")

    async def aclose(self) -> None:
        raise MediaNotBuiltError

    def __aiter__(self) -> AsyncIterator[VideoFrameEvent]:
        raise MediaNotBuiltError

    async def __anext__(self) -> VideoFrameEvent:
        raise MediaNotBuiltError


@dataclass
class EncodedRateControl:
    """What an encoder should aim at."""

    target_bitrate_bps: int
    framerate_fps: float


@dataclass
class EncodedVideoSourceFeedback:
    """What receivers ask of an encoder."""

    keyframe_requested: bool
    rate_control: EncodedRateControl | None


class EncodedVideoSource:
    """Video that the application has encoded itself. Raises MediaNotBuiltError."""

    def __init__(self, width: int, height: int) -> None:
        raise MediaNotBuiltError("EncodedVideoSource")

    def capture_frame(self, frame: EncodedVideoFrame) -> bool:
        raise MediaNotBuiltError

    def take_feedback(self) -> EncodedVideoSourceFeedback:
        raise MediaNotBuiltError

    async def aclose(self) -> None:
        raise MediaNotBuiltError


class AVSynchronizer:
    """Audio and video in step. Raises MediaNotBuiltError."""

    def __init__(
        self,
        *,
        audio_source: AudioSource,
        video_source: VideoSource,
        video_fps: float,
        video_queue_size_ms: float = 100,
        _max_delay_tolerance_ms: float = 300,
    ) -> None:
        raise MediaNotBuiltError("AVSynchronizer")

    @property
    def actual_fps(self) -> float:
        raise MediaNotBuiltError

    @property
    def last_video_time(self) -> float:
        raise MediaNotBuiltError

    @property
    def last_audio_time(self) -> float:
        raise MediaNotBuiltError

    async def push(self, frame: VideoFrame | AudioFrame, timestamp: float | None = None) -> None:
        raise MediaNotBuiltError

    async def clear_queue(self) -> None:
        raise MediaNotBuiltError

    async def wait_for_playout(self) -> None:
        raise MediaNotBuiltError

    def reset(self) -> None:
        raise MediaNotBuiltError

    async def aclose(self) -> None:
        raise MediaNotBuiltError


class DegradationPreference(enum.IntEnum):
    """What an encoder gives up first when it cannot send everything."""

    BALANCED = 0
    MAINTAIN_FRAMERATE = 1
    MAINTAIN_RESOLUTION = 2
    MAINTAIN_FRAMERATE_AND_RESOLUTION = 4
