"""AudioSource, compared with the official SDK 1.2.1."""

from __future__ import annotations

import asyncio
import gc
import weakref
from array import array
from collections.abc import AsyncIterator

import pytest

from livekit.errors import AudioCaptureError, EventLoopError
from livekit.media.audio.block import AudioBlock
from livekit.media.audio.frame import AudioFrame
from livekit.media.audio.source import AudioSource
from livekit.testing.clock import VirtualClock

RATE = 48_000


def frame(ms: float, *, rate: int = RATE, channels: int = 1, value: int = 1) -> AudioFrame:
    samples = int(rate * ms / 1000)
    return AudioFrame(array("h", [value] * (samples * channels)).tobytes(), rate, channels, samples)


@pytest.fixture
async def clock() -> AsyncIterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


async def took(awaitable: object) -> float:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await awaitable  # type: ignore[misc]
    return round(loop.time() - start, 3)


@pytest.mark.usefixtures("clock")
async def test_blocks_come_each_10_ms_from_creation_on() -> None:
    source, blocks = AudioSource(RATE, 1), list[AudioBlock]()
    source.add_sink(blocks.append)
    await asyncio.sleep(1.0005)
    assert [block.index for block in blocks] == list(range(100))
    assert {block.pcm for block in blocks} == {bytes(960)}
    assert (blocks[0].sample_rate, blocks[0].channels) == (RATE, 1)
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_capture_returns_while_the_queue_has_room_and_then_waits() -> None:
    source = AudioSource(RATE, 1, queue_size_ms=1000)
    assert [await took(source.capture_frame(frame(500))) for _ in range(6)] == [
        0.0,
        0.0,
        *[pytest.approx(0.5, abs=0.011)] * 4,
    ]
    source.clear_queue()
    assert await took(source.capture_frame(frame(3000))) == pytest.approx(2.0, abs=0.011)
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_capture_in_real_time_frames_of_agents() -> None:
    source = AudioSource(24_000, 1, queue_size_ms=200)
    times = [await took(source.capture_frame(frame(50, rate=24_000))) for _ in range(20)]
    assert times[:4] == [0.0] * 4
    assert times[4] <= 0.043
    assert times[5:] == [pytest.approx(0.05, abs=0.001)] * 15
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_playout_is_waited_for() -> None:
    source = AudioSource(RATE, 1, queue_size_ms=5000)
    assert await took(source.wait_for_playout()) == 0.0
    assert source.queued_duration == 0.0
    for _ in range(4):
        await source.capture_frame(frame(500))
    assert source.queued_duration == pytest.approx(2.0)
    await asyncio.sleep(0.5)
    assert source.queued_duration == pytest.approx(1.5)
    assert await took(source.wait_for_playout()) == pytest.approx(1.5, abs=0.003)
    assert source.queued_duration == 0.0
    await source.capture_frame(frame(10))
    assert await took(source.wait_for_playout()) == pytest.approx(0.01, abs=0.001)
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_last_block_is_played_before_the_playout_ends() -> None:
    source, blocks = AudioSource(RATE, 1), list[AudioBlock]()
    source.add_sink(blocks.append)
    await asyncio.sleep(0.1234)
    await source.capture_frame(frame(1000))
    await source.wait_for_playout()
    assert sum(any(block.pcm) for block in blocks) == 100
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_clear_queue_releases_all_who_wait() -> None:
    source, blocks = AudioSource(RATE, 1, queue_size_ms=100), list[AudioBlock]()
    source.add_sink(blocks.append)
    capture = asyncio.create_task(source.capture_frame(frame(1000)))
    playout = asyncio.create_task(source.wait_for_playout())
    await asyncio.sleep(0.2)
    assert not capture.done()
    source.clear_queue()
    assert source.queued_duration == 0.0
    assert await took(asyncio.gather(capture, playout)) <= 0.001
    heard = sum(any(block.pcm) for block in blocks)
    await asyncio.sleep(0.5)
    assert sum(any(block.pcm) for block in blocks) == heard
    assert await took(source.capture_frame(frame(10))) == 0.0
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_frame_is_copied_at_once() -> None:
    source, blocks = AudioSource(RATE, 1), list[AudioBlock]()
    source.add_sink(blocks.append)
    captured = AudioFrame.create(RATE, 1, 960)
    captured.data[0] = captured.data[700] = 7
    await source.capture_frame(captured)
    captured.data[700] = 0
    await asyncio.sleep(0.05)
    assert sum(sum(array("h", block.pcm)) for block in blocks) == 14
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_data_beyond_the_samples_is_not_captured() -> None:
    source, blocks = AudioSource(RATE, 1), list[AudioBlock]()
    source.add_sink(blocks.append)
    await source.capture_frame(AudioFrame(b"\1\0" * 960, RATE, 1, 480))
    await asyncio.sleep(0.05)
    assert sum(sum(array("h", block.pcm)) for block in blocks) == 480
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_refused_frames() -> None:
    source = AudioSource(RATE, 1, queue_size_ms=100)
    for other in (frame(10, rate=24_000), frame(10, channels=2)):
        with pytest.raises(AudioCaptureError, match="InvalidState - sample_rate and num_channels don't match"):
            await source.capture_frame(other)
    assert await took(source.capture_frame(frame(0))) == 0.0
    waiting = asyncio.create_task(source.capture_frame(frame(500)))
    await asyncio.sleep(0.05)
    with pytest.raises(AudioCaptureError, match="InvalidState - failed to capture frame"):
        await source.capture_frame(frame(10))
    await waiting
    await source.capture_frame(frame(10))
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_source_without_a_queue_sends_at_once_and_has_no_clock() -> None:
    source, blocks = AudioSource(RATE, 1, queue_size_ms=0), list[AudioBlock]()
    source.add_sink(blocks.append)
    await asyncio.sleep(1.0)
    assert blocks == []
    for _ in range(3):
        await source.capture_frame(frame(10))
    assert len(blocks) == 3
    assert source.queued_duration == pytest.approx(0.03)
    for ms in (5, 20):
        with pytest.raises(
            AudioCaptureError, match=r"direct capture requires 10ms frames: got \d+ frames, expected 480"
        ):
            await source.capture_frame(frame(ms))
    assert [block.index for block in blocks] == [100, 101, 102]
    await source.wait_for_playout()
    await source.aclose()
    await source.capture_frame(frame(10))
    assert len(blocks) == 3


@pytest.mark.parametrize(
    "arguments",
    [(0, 1, 1000), (-1, 1, 1000), (48_000, 0, 1000), (48_000, 3, 1000), (48_000, 1, 15), (48_000, 1, -10)],
    ids=str,
)
async def test_impossible_arguments(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"not -?\d+"):
        AudioSource(*arguments)


@pytest.mark.usefixtures("clock")
async def test_closed_source_is_silent_and_its_calls_return() -> None:
    source, blocks = AudioSource(RATE, 1, queue_size_ms=100), list[AudioBlock]()
    source.add_sink(blocks.append)
    capture = asyncio.create_task(source.capture_frame(frame(1000)))
    playout = asyncio.create_task(source.wait_for_playout())
    await asyncio.sleep(0.05)
    await source.aclose()
    await asyncio.gather(capture, playout)
    count = len(blocks)
    await asyncio.sleep(0.5)
    await source.capture_frame(frame(10))
    await source.wait_for_playout()
    source.clear_queue()
    await source.aclose()
    assert len(blocks) == count


@pytest.mark.usefixtures("clock")
async def test_cancelled_capture_keeps_the_frame_and_lets_others_capture() -> None:
    source, blocks = AudioSource(RATE, 1, queue_size_ms=100), list[AudioBlock]()
    source.add_sink(blocks.append)
    capture = asyncio.create_task(source.capture_frame(frame(500)))
    await asyncio.sleep(0.05)
    capture.cancel()
    await asyncio.gather(capture, return_exceptions=True)
    await source.capture_frame(frame(100, value=2))
    await source.wait_for_playout()
    assert sum(any(block.pcm) for block in blocks) == 60
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_cancelled_wait_for_playout_leaves_others_waiting() -> None:
    source = AudioSource(RATE, 1)
    await source.capture_frame(frame(500))
    one, other = (asyncio.create_task(source.wait_for_playout()) for _ in range(2))
    await asyncio.sleep(0.1)
    one.cancel()
    assert await took(other) == pytest.approx(0.4, abs=0.002)
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_dropped_source_is_collected_and_leaves_no_timer() -> None:
    source = AudioSource(RATE, 1)
    await asyncio.sleep(0.1)
    reference = weakref.ref(source)
    del source
    gc.collect()
    assert reference() is None
    await asyncio.sleep(0.1)


@pytest.mark.usefixtures("clock")
async def test_failing_sink_does_not_disturb_others(caplog: pytest.LogCaptureFixture) -> None:
    source, blocks = AudioSource(RATE, 1), list[AudioBlock]()

    def fail(_: AudioBlock) -> None:
        raise RuntimeError("broken")

    source.add_sink(fail)
    source.add_sink(blocks.append)
    await asyncio.sleep(0.1)
    source.remove_sink(fail)
    source.remove_sink(fail)
    assert len(blocks) >= 9
    assert "a sink of an AudioSource failed" in caplog.text
    await source.aclose()


@pytest.mark.usefixtures("clock")
async def test_stalled_loop_postpones_the_playout_by_its_time() -> None:
    source, blocks = AudioSource(RATE, 1), list[AudioBlock]()
    source.add_sink(blocks.append)
    await source.capture_frame(frame(1000))
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.1)
    assert source.queued_duration == pytest.approx(0.9)
    _stall(loop, 0.3)
    await asyncio.sleep(0.005)
    assert source.queued_duration == pytest.approx(0.89, abs=0.01)
    await source.wait_for_playout()
    assert sum(any(block.pcm) for block in blocks) == 100
    await source.aclose()


def _stall(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Let time pass in which the loop does not run."""
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign]


async def test_other_event_loop_is_refused() -> None:
    source = AudioSource(RATE, 1)

    async def use() -> None:
        with pytest.raises(EventLoopError):
            await source.capture_frame(frame(10))
        with pytest.raises(EventLoopError):
            await source.wait_for_playout()

    await asyncio.to_thread(asyncio.run, use())
    await source.aclose()
