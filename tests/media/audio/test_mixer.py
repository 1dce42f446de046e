"""Mixing streams of frames."""

from __future__ import annotations

import asyncio
import contextlib
from array import array
from collections.abc import AsyncIterator

import pytest

from livekit.rtc import AudioFrame, AudioMixer
from livekit.testing import VirtualClock


@pytest.fixture(autouse=True)
async def _virtual_time(no_leaks: None) -> AsyncIterator[None]:
    with VirtualClock():
        yield


def frame(*samples: int, channels: int = 1) -> AudioFrame:
    return AudioFrame(array("h", samples).tobytes(), 1000, channels, len(samples) // channels)


async def stream(*frames: AudioFrame, wait: float = 0) -> AsyncIterator[AudioFrame]:
    for one in frames:
        if wait:
            await asyncio.sleep(wait)
        yield one


async def stalled() -> AsyncIterator[AudioFrame]:
    await asyncio.Event().wait()
    yield frame(0)


async def mixed(mixer: AudioMixer) -> list[list[int]]:
    return [block.data.tolist() async for block in mixer]


async def test_streams_are_added_and_clipped() -> None:
    mixer = AudioMixer(1000, 1, blocksize=2)
    mixer.add_stream(stream(frame(1, 30000), frame(-30000, 7)))
    mixer.add_stream(stream(frame(2, 30000, -30000, 8)))
    mixer.end_input()
    assert await mixed(mixer) == [[3, 32767], [-32768, 15]]


async def test_blocks_have_the_mixers_format_and_the_last_is_padded() -> None:
    mixer = AudioMixer(1000, 2)
    mixer.add_stream(stream(frame(*[5] * 300, channels=2)))
    mixer.end_input()
    first, last = [block async for block in mixer]
    assert (first.sample_rate, first.num_channels, first.samples_per_channel) == (1000, 2, 100)
    assert last.data.tolist() == [5] * 100 + [0] * 100


async def test_frames_with_other_channels_are_converted() -> None:
    mixer = AudioMixer(1000, 2, blocksize=2)
    mixer.add_stream(stream(frame(1, 2)))
    mixer.end_input()
    assert await mixed(mixer) == [[1, 1, 2, 2]]


async def test_stream_that_stalls_contributes_silence_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    mixer = AudioMixer(1000, 1, blocksize=2, stream_timeout_ms=50)
    mixer.add_stream(stream(frame(1, 2)))
    mixer.add_stream(stalled())
    start = loop.time()
    assert (await anext(mixer)).data.tolist() == [1, 2]
    assert loop.time() - start == pytest.approx(0.05)
    assert "timeout, ignoring" in caplog.text
    await mixer.aclose()


async def test_slow_stream_is_padded_and_continues_where_it_was() -> None:
    mixer = AudioMixer(1000, 1, blocksize=2, stream_timeout_ms=100)
    mixer.add_stream(stream(frame(1), frame(2, 3), wait=0.15))
    mixer.end_input()
    assert await mixed(mixer) == [[1, 0], [2, 3]]


async def test_no_block_without_data() -> None:
    mixer = AudioMixer(1000, 1, stream_timeout_ms=10)
    mixer.add_stream(stalled())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(mixer), 5)
    await mixer.aclose()


async def test_streams_are_added_and_removed_while_mixing() -> None:
    mixer = AudioMixer(1000, 1, blocksize=1)
    endless = stalled()
    mixer.add_stream(endless)
    await asyncio.sleep(1)
    mixer.add_stream(stream(frame(4)))
    assert (await anext(mixer)).data.tolist() == [4]
    mixer.remove_stream(endless)
    mixer.remove_stream(endless)
    mixer.end_input()
    assert await mixed(mixer) == []
    with pytest.raises(StopAsyncIteration):
        await anext(endless)  # its read was cancelled


async def test_stalled_stream_ends_with_the_input() -> None:
    """After `end_input`, ten stalled rounds end a stream."""
    loop = asyncio.get_running_loop()
    mixer = AudioMixer(1000, 1)
    mixer.add_stream(stalled())
    mixer.end_input()
    start = loop.time()
    assert await mixed(mixer) == []
    assert loop.time() - start == pytest.approx(1, abs=0.05)


async def test_stream_that_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> AsyncIterator[AudioFrame]:
        yield frame(1)
        raise ValueError("no more")

    mixer = AudioMixer(1000, 1, blocksize=1)
    mixer.add_stream(failing())
    mixer.add_stream(stream(frame(2), frame(3)))
    mixer.end_input()
    assert await mixed(mixer) == [[3], [3]]
    assert "failed, ignoring: ValueError('no more')" in caplog.text


async def test_capacity_pauses_mixing() -> None:
    given = 0

    async def counting() -> AsyncIterator[AudioFrame]:
        nonlocal given
        while True:
            given += 1
            yield frame(given)

    mixer = AudioMixer(1000, 1, blocksize=1, capacity=3)
    mixer.add_stream(counting())
    await asyncio.sleep(1)
    assert given == 4  # three blocks wait, and one more is ready
    await mixer.aclose()


async def test_no_stream_can_be_added_after_the_end_of_input() -> None:
    mixer = AudioMixer(1000, 1)
    mixer.end_input()
    with pytest.raises(RuntimeError, match="Cannot add stream after mixer has been closed"):
        mixer.add_stream(stalled())
    await mixer.aclose()


async def test_close_ends_iteration_and_reads() -> None:
    mixer = AudioMixer(1000, 1)
    closed = asyncio.Event()

    async def cleaning() -> AsyncIterator[AudioFrame]:
        try:
            await asyncio.Event().wait()
            yield frame(0)
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.5)
            closed.set()

    mixer.add_stream(cleaning())
    waiting = asyncio.ensure_future(mixed(mixer))
    await asyncio.sleep(0.01)
    await mixer.aclose()
    assert closed.is_set()
    assert await waiting == []
    with pytest.raises(StopAsyncIteration):
        await anext(mixer)
    await mixer.aclose()


async def test_several_iterations_all_end() -> None:
    mixer = AudioMixer(1000, 1)
    mixer.end_input()
    assert list(await asyncio.gather(mixed(mixer), mixed(mixer))) == [[], []]


async def test_mixer_needs_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        await asyncio.to_thread(AudioMixer, 48000, 1)
