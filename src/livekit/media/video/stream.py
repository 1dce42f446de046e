"""Video of a track, frame by frame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    import asyncio

    from livekit.enums import TrackSource, VideoBufferType
    from livekit.media.tracks import Track
    from livekit.participant import Participant

    from .frame import VideoFrameEvent


class VideoStream:
    """The video frames of a track. Raises MediaNotBuiltError."""

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
