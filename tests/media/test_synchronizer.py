"""Audio/video synchronization."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from livekit.rtc import AudioFrame, AVSynchronizer, VideoBufferType, VideoFrame
from livekit.testing import VirtualClock

SOUND = AudioFrame.create(48000, 1, 480)


def picture() -> VideoFrame:
    return VideoFrame(1, 1, VideoBufferType.RGBA, b"abcd")


@dataclass
class Sources:
    """Both sources, which record when frames arrive."""

    video: list[float] = field(default_factory=list[float])
    audio: list[AudioFrame] = field(default_factory=list[AudioFrame])
    queued_duration: float = 0.0
    error: Exception | None = None
    playout: asyncio.Event = field(default_factory=asyncio.Event)

    def clear_queue(self) -> None:
        self.queued_duration = 0.0
        self.playout.set()

    async def wait_for_playout(self) -> None:
        await self.playout.wait()

    def synchronizer(self, fps: float = 25, **options: Any) -> AVSynchronizer:
        video = cast("Any", VideoSink(self))
        return AVSynchronizer(audio_source=cast("Any", self), video_source=video, video_fps=fps, **options)

    async def capture_frame(self, frame: AudioFrame) -> None:
        self.audio.append(frame)
        self.queued_duration += frame.duration


@dataclass
class VideoSink:
    sources: Sources

    def capture_frame(self, frame: VideoFrame) -> None:
        if self.sources.error is not None:
            raise self.sources.error
        self.sources.video.append(round(asyncio.get_running_loop().time(), 6))


@pytest.fixture(autouse=True)
async def _virtual_time(no_leaks: None) -> AsyncIterator[None]:
    with VirtualClock():
        yield


async def test_video_is_paced_and_audio_is_not() -> None:
    sources = Sources()
    synchronizer = sources.synchronizer()
    start = asyncio.get_running_loop().time()
    for index in range(5):
        await synchronizer.push(picture(), index / 25)
        await synchronizer.push(SOUND, index / 100 + 0.01)
    assert len(sources.audio) == 5
    assert synchronizer.last_audio_time == pytest.approx(0.05 - 0.05)
    sources.playout.set()
    await synchronizer.wait_for_playout()
    assert [time - start for time in sources.video] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert synchronizer.last_video_time == 4 / 25
    assert synchronizer.actual_fps == pytest.approx(25)
    await synchronizer.aclose()


async def test_push_waits_while_the_queue_of_video_is_full() -> None:
    sources = Sources()
    synchronizer = sources.synchronizer(fps=20, video_queue_size_ms=100)
    start = asyncio.get_running_loop().time()
    times: list[float] = []
    for _ in range(6):
        await synchronizer.push(picture())
        times.append(round(asyncio.get_running_loop().time() - start, 6))
    assert times == pytest.approx([0, 0, 0, 0, 0.05, 0.1])
    await synchronizer.aclose()


async def test_cleared_queue_is_not_captured() -> None:
    sources = Sources()
    synchronizer = sources.synchronizer(video_queue_size_ms=0)
    for _ in range(10):
        await synchronizer.push(picture())
    await asyncio.sleep(0.1)
    await synchronizer.clear_queue()
    await synchronizer.wait_for_playout()
    assert len(sources.video) == 4  # one waited for its time when the queue was cleared
    await synchronizer.aclose()


async def test_pause_is_not_caught_up_with(caplog: pytest.LogCaptureFixture) -> None:
    sources = Sources()
    synchronizer = sources.synchronizer(fps=10)
    await synchronizer.push(picture())
    await asyncio.sleep(2)
    start = asyncio.get_running_loop().time()
    for _ in range(3):
        await synchronizer.push(picture())
    await asyncio.sleep(1)
    assert [time - start for time in sources.video[1:]] == pytest.approx([0, 0.1, 0.2])
    assert "behind schedule" in caplog.text
    await synchronizer.aclose()


async def test_reset_starts_the_pacing_anew(caplog: pytest.LogCaptureFixture) -> None:
    sources = Sources()
    synchronizer = sources.synchronizer(fps=10)
    await synchronizer.push(picture())
    await asyncio.sleep(2)
    synchronizer.reset()
    assert synchronizer.actual_fps == 0
    await synchronizer.push(picture())
    await asyncio.sleep(0.01)
    assert (len(sources.video), caplog.text) == (2, "")
    await synchronizer.aclose()


async def test_failure_to_capture_is_logged_and_the_next_frame_is_captured(caplog: pytest.LogCaptureFixture) -> None:
    sources = Sources(error=ValueError("broken"))
    synchronizer = sources.synchronizer()
    await synchronizer.push(picture())
    await asyncio.sleep(0.01)
    sources.error = None
    await synchronizer.push(picture())
    await asyncio.sleep(0.1)
    assert len(sources.video) == 1
    assert "broken" in caplog.text
    await synchronizer.aclose()


async def test_close_ends_pushes_and_waits() -> None:
    sources = Sources()
    sources.playout.set()
    synchronizer = sources.synchronizer(fps=10)
    waiting = [asyncio.ensure_future(synchronizer.push(picture())) for _ in range(5)]
    await asyncio.sleep(0.01)
    waiting.append(asyncio.ensure_future(synchronizer.wait_for_playout()))
    await asyncio.sleep(0.01)
    await synchronizer.aclose()
    await asyncio.gather(*waiting)
    await synchronizer.push(picture())
    await synchronizer.aclose()
    assert len(sources.video) == 1


async def test_frame_rate_must_be_positive() -> None:
    with pytest.raises(ValueError, match="video_fps is 0"):
        Sources().synchronizer(fps=0)
