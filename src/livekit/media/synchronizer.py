"""Audio/video synchronization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    from .audio.frame import AudioFrame
    from .audio.source import AudioSource
    from .video.frame import VideoFrame
    from .video.source import VideoSource


class AVSynchronizer:
    """Keeps audio and video synchronized. Raises MediaNotBuiltError."""

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
