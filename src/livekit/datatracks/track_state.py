"""State of data tracks: `DataTrackManager` updates it, the public track objects read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .depacketizer import Depacketizer
from .errors import PushFrameError
from .frames import DataTrackFrame, FrameBuffer
from .packet import TIMESTAMP_EXTENSION


@dataclass
class DataTrackInfo:
    """A data track as announced by the server."""

    sid: str
    """The server's id. It changes when the publisher reconnects in full."""
    name: str
    """Unique among the publisher's data tracks."""
    uses_e2ee: bool
    """True if its frames are encrypted."""


class LocalTrackState:
    """A data track published by the local participant."""

    def __init__(
        self, info: DataTrackInfo, push: Callable[[DataTrackFrame], None], unpublish: Callable[[], None]
    ) -> None:
        self.info = info
        self.is_published = True
        self._push = push
        self._unpublish = unpublish

    def push(self, frame: DataTrackFrame) -> None:
        """Send a frame. Raises PushFrameError."""
        if not self.is_published:
            raise PushFrameError(f"the data track {self.info.name!r} is no longer published")
        self._push(frame)

    def unpublish(self) -> None:
        """Unpublish the track, if it is published."""
        if self.is_published:
            self._unpublish()


class RemoteTrackState:
    """A data track published by a remote participant, and its subscriptions."""

    def __init__(
        self,
        info: DataTrackInfo,
        publisher_identity: str,
        publisher_sid: str,
        on_subscribe: Callable[[RemoteTrackState, bool], None],
    ) -> None:
        self.info = info
        self.publisher_identity = publisher_identity
        self.publisher_sid = publisher_sid
        """The publisher's sid when it last announced the track."""
        self.is_published = True
        self.depacketizer = Depacketizer()
        self.buffers: dict[FrameBuffer, None] = {}
        """One for each open stream of the application."""
        self._on_subscribe = on_subscribe

    def subscribe(self, buffer: FrameBuffer) -> None:
        """Deliver frames to a buffer; the first one subscribes at the server."""
        self.buffers[buffer] = None
        if len(self.buffers) == 1:
            self._on_subscribe(self, True)

    def unsubscribe(self, buffer: FrameBuffer) -> None:
        """Remove a buffer; removing the last one unsubscribes at the server."""
        if self.buffers.pop(buffer, buffer) is None and not self.buffers and self.is_published:
            self._on_subscribe(self, False)

    def deliver(self, payload: bytes, extensions: dict[int, bytes]) -> None:
        """Put a received frame into all buffers."""
        timestamp = extensions.get(TIMESTAMP_EXTENSION)
        frame = DataTrackFrame(payload, None if timestamp is None else int.from_bytes(timestamp, "big"))
        for buffer in self.buffers:
            buffer.put(frame)

    def end(self) -> None:
        """Mark the track as unpublished and end its streams."""
        self.is_published = False
        for buffer in self.buffers:
            buffer.end()
        self.buffers.clear()
