"""The public data track objects, with the official SDK's names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit._event_loop import check_loop

from .depacketizer import DEFAULT_PARTIAL_FRAMES
from .errors import PublishDataTrackError, PushFrameError, SubscribeDataTrackError
from .frames import DataTrackFrame, FrameBuffer
from .track_state import DataTrackInfo, LocalTrackState, RemoteTrackState

__all__ = [
    "DataTrackFrame",
    "DataTrackInfo",
    "DataTrackStream",
    "LocalDataTrack",
    "PublishDataTrackError",
    "PushFrameError",
    "RemoteDataTrack",
    "SubscribeDataTrackError",
]

DEFAULT_BUFFER_SIZE = 16
"""Frames buffered per stream; when full, the oldest are dropped."""


class LocalDataTrack:
    """A data track of the local participant, created by `LocalParticipant.publish_data_track`."""

    def __init__(self, state: LocalTrackState) -> None:
        self._state = state
        self._loop = asyncio.get_running_loop()

    @property
    def info(self) -> DataTrackInfo:
        """The track as announced by the server."""
        return self._state.info

    def try_push(self, frame: DataTrackFrame) -> None:
        """Send a frame to all subscribers. It may be lost.

        Raises:
            PushFrameError: the frame was not sent; a later one may succeed.
            EventLoopError: called from another thread or event loop.
        """
        check_loop(self._loop)
        self._state.push(frame)

    def is_published(self) -> bool:
        """Return True until the track is unpublished or the room disconnects."""
        return self._state.is_published

    async def unpublish(self) -> None:
        """Unpublish the track. Idempotent."""
        if self._state.is_published:
            check_loop(self._loop)
        self._state.unpublish()

    def __repr__(self) -> str:
        return f"rtc.LocalDataTrack(sid={self.info.sid}, name={self.info.name})"


class RemoteDataTrack:
    """A data track of a remote participant, passed to handlers of the event `data_track_published`."""

    def __init__(self, state: RemoteTrackState) -> None:
        self._state = state
        self._loop = asyncio.get_running_loop()

    @property
    def info(self) -> DataTrackInfo:
        """The track as announced by the server."""
        return self._state.info

    @property
    def publisher_identity(self) -> str:
        """The participant that publishes the track."""
        return self._state.publisher_identity

    def subscribe(self, *, buffer_size: int | None = None) -> DataTrackStream:
        """Receive the frames that are sent from now on.

        Args:
            buffer_size: frames to buffer, at least 1; when full, the oldest are dropped. None for 16.

        Raises:
            EventLoopError: called from another thread or event loop.
        """
        check_loop(self._loop)
        buffer = FrameBuffer(DEFAULT_BUFFER_SIZE if buffer_size is None else max(1, buffer_size))
        if self._state.is_published:
            self._state.subscribe(buffer)
        else:
            buffer.end(SubscribeDataTrackError(f"the data track {self.info.name!r} is no longer published"))
        return DataTrackStream(buffer, self._state.unsubscribe)

    def is_published(self) -> bool:
        """Return True until the track is unpublished or the room disconnects."""
        return self._state.is_published

    def set_pipeline_options(self, *, max_partial_frames: int | None = None) -> None:
        """Set the number of incomplete frames to keep before newer frames replace them: at least 1, the default."""
        if max_partial_frames is not None:
            self._state.depacketizer.max_partial_frames = max(DEFAULT_PARTIAL_FRAMES, max_partial_frames)

    def __repr__(self) -> str:
        return (
            f"rtc.RemoteDataTrack(sid={self.info.sid}, name={self.info.name}, "
            f"publisher_identity={self.publisher_identity})"
        )


class DataTrackStream:
    """The frames of a subscribed track: ``async for frame in track.subscribe()``."""

    def __init__(self, buffer: FrameBuffer, on_close: Callable[[FrameBuffer], None]) -> None:
        self._buffer = buffer
        self._on_close = on_close
        self._loop = asyncio.get_running_loop()

    async def read(self) -> DataTrackFrame | None:
        """Return the next frame; None at the end.

        Raises:
            SubscribeDataTrackError: the track could not be subscribed to.
        """
        check_loop(self._loop)
        return await self._buffer.read()

    def __aiter__(self) -> DataTrackStream:
        return self

    async def __anext__(self) -> DataTrackFrame:
        frame = await self.read()
        if frame is None:
            raise StopAsyncIteration
        return frame

    def close(self) -> None:
        """Stop receiving and discard buffered frames."""
        if not self._loop.is_closed():
            check_loop(self._loop)
        self._buffer.frames.clear()
        self._buffer.end()
        self._on_close(self._buffer)

    async def aclose(self) -> None:
        """Call `close`."""
        self.close()
