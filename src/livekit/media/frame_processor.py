"""The base class of frame processors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .audio.frame import AudioFrame
    from .video.frame import VideoFrame

T = TypeVar("T", bound="AudioFrame | VideoFrame")


class FrameProcessor(ABC, Generic[T]):
    """Base of what changes frames on their way."""

    @property
    @abstractmethod
    def enabled(self) -> bool: ...

    @enabled.setter
    @abstractmethod
    def enabled(self, value: bool) -> None: ...

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        """Frames of this stream come now."""

    def _on_stream_info_cleared(self) -> None:
        """No stream's frames come any more."""

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        """The room's server and token."""

    def _on_credentials_cleared(self) -> None:
        """The room was left."""

    @abstractmethod
    def _process(self, frame: T) -> T: ...

    @abstractmethod
    def _close(self) -> None: ...
