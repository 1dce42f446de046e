"""Raw video from the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.enums import VideoRotation
from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    from livekit.messages import FrameMetadata

    from .frame import VideoFrame


class VideoSource:
    """Video from the application. Raises MediaNotBuiltError."""

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
