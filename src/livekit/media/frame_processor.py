"""The base class of frame processors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .audio.frame import AudioFrame
    from .video.frame import VideoFrame

T = TypeVar("T", bound="AudioFrame | VideoFrame")


class FrameProcessor(ABC, Generic[T]):
    """Transforms the frames of a stream."""

    @property
    @abstractmethod
    def enabled(self) -> bool: ...

    @enabled.setter
    @abstractmethod
    def enabled(self, value: bool) -> None: ...

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        """The processor was attached to a stream."""

    def _on_stream_info_cleared(self) -> None:
        """The processor was detached from its stream."""

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        """The room connected, or its token was refreshed."""

    def _on_credentials_cleared(self) -> None:
        """The room disconnected."""

    @abstractmethod
    def _process(self, frame: T) -> T: ...

    @abstractmethod
    def _close(self) -> None: ...
