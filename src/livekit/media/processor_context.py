"""What frame processors of a track's streams are told: the room, participant and publication, and its credentials."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .frame_processor import FrameProcessor

__all__ = ["ProcessorContext", "StreamInfo"]

logger = logging.getLogger(__name__)


class ProcessedStream(Protocol):
    """What is looked at of a stream."""

    _processor: FrameProcessor[Any] | None


@dataclass(frozen=True)
class StreamInfo:
    """Where a track's frames come from."""

    room_name: str
    participant_identity: str
    publication_sid: str


class ProcessorContext:
    """Tells the processors of a track's streams when the track enters or leaves a room, and of new credentials.

    An exception of a processor is logged.

    Args:
        streams: Returns the track's streams.
    """

    def __init__(self, streams: Callable[[], Iterable[ProcessedStream]]) -> None:
        self._streams = streams
        self._info: StreamInfo | None = None
        self._credentials: tuple[str, str] | None = None

    def tell(self, stream: ProcessedStream) -> None:
        """Tell the processor of a stream made after the track entered a room."""
        if self._info is not None:
            self._tell(stream, self._describe)

    def enter(self, info: StreamInfo, *, token: str, url: str) -> None:
        """Note that the track is published or subscribed to, or was published again."""
        self._info, self._credentials = info, (token, url)
        self._tell_all(self._describe)

    def refresh(self, *, token: str, url: str) -> None:
        """Note that the room's token was refreshed."""
        if self._info is not None:
            self._credentials = (token, url)
            self._tell_all(lambda processor: processor._on_credentials_updated(token=token, url=url))

    def leave(self) -> None:
        """Note that the track is in no room any more. Ignored if it is in none."""
        if self._info is not None:
            self._info = self._credentials = None
            self._tell_all(_clear)

    def _describe(self, processor: FrameProcessor[Any]) -> None:
        if self._info is not None:
            processor._on_stream_info_updated(**vars(self._info))
        if self._credentials is not None:
            token, url = self._credentials
            processor._on_credentials_updated(token=token, url=url)

    def _tell_all(self, tell: Callable[[FrameProcessor[Any]], None]) -> None:
        for stream in list(self._streams()):
            self._tell(stream, tell)

    def _tell(self, stream: ProcessedStream, tell: Callable[[FrameProcessor[Any]], None]) -> None:
        processor = stream._processor
        if processor is None:
            return
        try:
            tell(processor)
        except Exception:
            logger.exception("A frame processor failed")


def _clear(processor: FrameProcessor[Any]) -> None:
    processor._on_stream_info_cleared()
    processor._on_credentials_cleared()
