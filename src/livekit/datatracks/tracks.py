"""Data tracks as users hold them; names are the official SDK's."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .frames import DEFAULT_PARTIAL_FRAMES, Depacketizer
from .packet import TIMESTAMP_EXTENSION

DEFAULT_BUFFER_SIZE = 16
"""Frames that wait in a stream; over it the oldest are dropped."""


class PublishDataTrackError(Exception):
    """A data track was not published."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PushFrameError(Exception):
    """A frame was not sent: the track is not published, the room not connected, or too much waits already."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SubscribeDataTrackError(Exception):
    """A data track could not be subscribed to."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass
class DataTrackInfo:
    """What is known of a data track."""

    sid: str
    """The server's id; another one after a full reconnect of its publisher."""
    name: str
    """Unique among the publisher's tracks."""
    uses_e2ee: bool
    """Whether its frames are encrypted."""


@dataclass
class DataTrackFrame:
    """What is sent over a data track at once."""

    payload: bytes
    user_timestamp: int | None = None
    """A number of the application's own, of 64 bits."""


class LocalDataTrack:
    """A data track that we publish; made by `LocalParticipant.publish_data_track`."""

    def __init__(
        self, info: DataTrackInfo, push: Callable[[DataTrackFrame], None], unpublish: Callable[[], None]
    ) -> None:
        self._info = info
        self._push = push
        self._unpublish = unpublish
        self._published = True

    @property
    def info(self) -> DataTrackInfo:
        return self._info

    def try_push(self, frame: DataTrackFrame) -> None:
        """Send a frame to who subscribed. It may be lost on the way.

        Raises:
            PushFrameError: it was not sent; try again with the next one.
        """
        if not self._published:
            raise PushFrameError(f"the data track {self._info.name!r} is not published any more")
        self._push(frame)

    def is_published(self) -> bool:
        return self._published

    async def unpublish(self) -> None:
        """End the track; does nothing if it has ended."""
        if self._published:
            self._unpublish()

    def __repr__(self) -> str:
        return f"rtc.LocalDataTrack(sid={self._info.sid}, name={self._info.name})"


class RemoteDataTrack:
    """A data track of another participant; comes with the event `data_track_published`."""

    def __init__(
        self, info: DataTrackInfo, publisher_identity: str, subscribed: Callable[[RemoteDataTrack, bool], None]
    ) -> None:
        self._info = info
        self._publisher_identity = publisher_identity
        self._subscribed = subscribed
        self._published = True
        self._depacketizer = Depacketizer()
        self._streams: dict[DataTrackStream, None] = {}

    @property
    def info(self) -> DataTrackInfo:
        return self._info

    @property
    def publisher_identity(self) -> str:
        return self._publisher_identity

    def subscribe(self, *, buffer_size: int | None = None) -> DataTrackStream:
        """Receive the frames that are sent from now on.

        Args:
            buffer_size: frames that may wait to be read; over it the oldest are dropped. None for 16, at least 1.
        """
        stream = DataTrackStream(DEFAULT_BUFFER_SIZE if buffer_size is None else max(1, buffer_size), self._closed)
        if not self._published:
            stream._end(SubscribeDataTrackError(f"the data track {self._info.name!r} is not published any more"))
            return stream
        self._streams[stream] = None
        if len(self._streams) == 1:
            self._subscribed(self, True)
        return stream

    def is_published(self) -> bool:
        return self._published

    def set_pipeline_options(self, *, max_partial_frames: int | None = None) -> None:
        """How many incomplete frames are kept until newer ones take their place; at least 1, as at first."""
        if max_partial_frames is not None:
            self._depacketizer.max_partial_frames = max(DEFAULT_PARTIAL_FRAMES, max_partial_frames)

    def __repr__(self) -> str:
        return (
            f"rtc.RemoteDataTrack(sid={self._info.sid}, name={self._info.name}, "
            f"publisher_identity={self._publisher_identity})"
        )

    def _received(self, payload: bytes, extensions: dict[int, bytes]) -> None:
        timestamp = extensions.get(TIMESTAMP_EXTENSION)
        frame = DataTrackFrame(payload, None if timestamp is None else int.from_bytes(timestamp, "big"))
        for stream in self._streams:
            stream._received(frame)

    def _closed(self, stream: DataTrackStream) -> None:
        if self._streams.pop(stream, stream) is None and not self._streams and self._published:
            self._subscribed(self, False)

    def _end(self) -> None:
        """The track is not published any more."""
        self._published = False
        for stream in list(self._streams):
            stream._end(None)
        self._streams.clear()


class DataTrackStream:
    """The frames of a track that we subscribed to: ``async for frame in track.subscribe()``."""

    def __init__(self, buffer_size: int, closed: Callable[[DataTrackStream], None]) -> None:
        self._frames: deque[DataTrackFrame] = deque(maxlen=buffer_size)
        self._changed = asyncio.Event()
        self._on_close = closed
        self._ended = False
        self._error: SubscribeDataTrackError | None = None

    async def read(self) -> DataTrackFrame | None:
        """The next frame; None at the end.

        Raises:
            SubscribeDataTrackError: the track could not be subscribed to.
        """
        while not self._frames and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if self._frames:
            return self._frames.popleft()
        if self._error is not None:
            raise self._error
        return None

    def __aiter__(self) -> DataTrackStream:
        return self

    async def __anext__(self) -> DataTrackFrame:
        frame = await self.read()
        if frame is None:
            raise StopAsyncIteration
        return frame

    def close(self) -> None:
        """Receive no more; what waits is dropped."""
        self._frames.clear()
        self._end(None)
        self._on_close(self)

    async def aclose(self) -> None:
        """`close`."""
        self.close()

    def _received(self, frame: DataTrackFrame) -> None:
        self._frames.append(frame)
        self._changed.set()

    def _end(self, error: SubscribeDataTrackError | None) -> None:
        self._ended = True
        self._error = self._error or error
        self._changed.set()
