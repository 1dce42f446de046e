"""Audio/video synchronization: video is paced at its frame rate, audio by the clock of its source."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from livekit._util.aio import start_task

from .audio.frame import AudioFrame

if TYPE_CHECKING:
    from .audio.source import AudioSource
    from .video.frame import VideoFrame
    from .video.source import VideoSource

__all__ = ["AVSynchronizer"]

logger = logging.getLogger(__name__)


class AVSynchronizer:
    """Captures video frames at a steady rate while audio frames go straight to their source.

    Each source bounds its own queue, so a program that pushes both by turns keeps them together. Must be created with
    an event loop running, and closed with `aclose`.

    Args:
        audio_source: Takes the audio frames.
        video_source: Takes the video frames.
        video_fps: The rate at which video frames are captured, in frames per second.
        video_queue_size_ms: How much video may wait, in milliseconds; at least one frame. 0 means any amount.

    Raises:
        ValueError: `video_fps` is not positive.
        RuntimeError: no event loop is running.
    """

    def __init__(
        self,
        *,
        audio_source: AudioSource,
        video_source: VideoSource,
        video_fps: float,
        video_queue_size_ms: float = 100,
        _max_delay_tolerance_ms: float = 300,
    ) -> None:
        if video_fps <= 0:
            raise ValueError(f"video_fps is {video_fps}; it must be positive")
        asyncio.get_running_loop()  # raises before anything is made
        self._audio_source = audio_source
        self._video_source = video_source
        size = max(int(video_fps * video_queue_size_ms / 1000), 1) if video_queue_size_ms > 0 else 0
        self._queue: asyncio.Queue[tuple[VideoFrame, float | None]] = asyncio.Queue(size)
        self._pacer = _Pacer(video_fps, _max_delay_tolerance_ms / 1000)
        self._last_video_time = self._last_audio_time = 0.0
        self._is_closed = False
        self._task = start_task(self._capture_video(), name="livekit video pacing")

    @property
    def actual_fps(self) -> float:
        """The rate at which video frames were captured in the last second; 0 before the second one."""
        return self._pacer.actual_fps

    @property
    def last_video_time(self) -> float:
        """The timestamp of the video frame captured last."""
        return self._last_video_time

    @property
    def last_audio_time(self) -> float:
        """The timestamp of the audio that is played out now."""
        return self._last_audio_time - self._audio_source.queued_duration

    async def push(self, frame: VideoFrame | AudioFrame, timestamp: float | None = None) -> None:
        """Capture a frame in its turn; wait while too much of its kind is queued.

        Video frames are dropped after `aclose`.

        Args:
            frame: The frame.
            timestamp: Seconds; of an audio frame, its end. `last_video_time` and `last_audio_time` tell them.
        """
        if isinstance(frame, AudioFrame):
            await self._audio_source.capture_frame(frame)
            if timestamp is not None:
                self._last_audio_time = timestamp
        elif not self._is_closed:
            await self._queue.put((frame, timestamp))

    async def clear_queue(self) -> None:
        """Drop the audio and video that waits."""
        self._audio_source.clear_queue()
        self._drop_video()

    async def wait_for_playout(self) -> None:
        """Wait until all audio and video was captured or dropped."""
        await asyncio.gather(self._audio_source.wait_for_playout(), self._queue.join())

    def reset(self) -> None:
        """Capture the next video frame at once and pace those after it from there; forget `actual_fps`."""
        self._pacer.reset()

    async def aclose(self) -> None:
        """Stop capturing and drop the video that waits. The sources stay open."""
        self._is_closed = True
        self._task.cancel()
        await asyncio.wait({self._task})
        while not self._queue.empty():
            self._drop_video()
            await asyncio.sleep(0)  # pushes that wait queue their frames

    async def _capture_video(self) -> None:
        while True:
            frame, timestamp = await self._queue.get()
            try:
                await self._pacer.wait()
                self._video_source.capture_frame(frame)
                if timestamp is not None:
                    self._last_video_time = timestamp
            except Exception:
                logger.exception("A video frame could not be captured")
            finally:
                self._queue.task_done()
                self._pacer.advance()

    def _drop_video(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()


class _Pacer:
    """The times at which frames are due."""

    def __init__(self, fps: float, tolerance: float) -> None:
        self._interval = 1 / fps
        self._tolerance = tolerance
        self._next: float | None = None
        self._captured: deque[float] = deque(maxlen=max(2, int(fps)))

    @property
    def actual_fps(self) -> float:
        """Frames per second over the times remembered."""
        elapsed = self._captured[-1] - self._captured[0] if self._captured else 0
        return (len(self._captured) - 1) / elapsed if elapsed else 0

    def reset(self) -> None:
        """Make the next frame due at once."""
        self._next = None
        self._captured.clear()

    async def wait(self) -> None:
        """Wait until the next frame is due. Later frames catch up with a delay below the tolerance only."""
        now = asyncio.get_running_loop().time()
        if self._next is None:
            self._next = now
        late = now - self._next
        if late < 0:
            await asyncio.sleep(-late)
        elif late > self._tolerance:
            logger.warning("Frame capture was behind schedule for %.2f ms", late * 1000)
            self._next = now

    def advance(self) -> None:
        """Note that a frame was captured now, and when the next one is due."""
        now = asyncio.get_running_loop().time()
        self._captured.append(now)
        self._next = (now if self._next is None else self._next) + self._interval
