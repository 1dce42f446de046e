"""Frames of data tracks and their receive buffer."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from .errors import SubscribeDataTrackError


@dataclass
class DataTrackFrame:
    """A unit of data sent over a data track."""

    payload: bytes
    user_timestamp: int | None = None
    """A 64-bit number for the application's use."""


class FrameBuffer:
    """Received frames waiting to be read; drops the oldest when full."""

    def __init__(self, size: int) -> None:
        self.frames: deque[DataTrackFrame] = deque(maxlen=size)
        self._changed = asyncio.Event()
        self._ended = False
        self._error: SubscribeDataTrackError | None = None

    def put(self, frame: DataTrackFrame) -> None:
        """Append a frame."""
        self.frames.append(frame)
        self._changed.set()

    def end(self, error: SubscribeDataTrackError | None = None) -> None:
        """Mark the end of the frames. Readers still get the buffered ones, then the first error, if any."""
        self._ended = True
        self._error = self._error or error
        self._changed.set()

    async def read(self) -> DataTrackFrame | None:
        """Wait for the next frame; None at the end. Raises the error passed to `end`."""
        while not self.frames and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if self.frames:
            return self.frames.popleft()
        if self._error is not None:
            raise self._error
        return None
