from __future__ import annotations

import asyncio

import pytest

from livekit.datatracks.errors import SubscribeDataTrackError
from livekit.datatracks.frames import DataTrackFrame, FrameBuffer


def frame(number: int) -> DataTrackFrame:
    return DataTrackFrame(bytes((number,)))


async def test_full_buffer_drops_the_oldest_frame() -> None:
    buffer = FrameBuffer(2)
    for number in range(3):
        buffer.put(frame(number))
    assert [await buffer.read(), await buffer.read()] == [frame(1), frame(2)]


async def test_read_waits_for_a_frame() -> None:
    buffer = FrameBuffer(1)
    reading = asyncio.ensure_future(buffer.read())
    await asyncio.sleep(0)
    assert not reading.done()
    buffer.put(frame(1))
    assert await reading == frame(1)


async def test_buffered_frames_are_read_before_the_end() -> None:
    buffer = FrameBuffer(2)
    buffer.put(frame(1))
    buffer.end()
    assert [await buffer.read(), await buffer.read()] == [frame(1), None]


async def test_first_error_is_raised_at_the_end() -> None:
    buffer = FrameBuffer(2)
    buffer.put(frame(1))
    buffer.end(SubscribeDataTrackError("first"))
    buffer.end(SubscribeDataTrackError("second"))
    assert await buffer.read() == frame(1)
    with pytest.raises(SubscribeDataTrackError, match="first"):
        await buffer.read()
