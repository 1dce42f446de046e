"""AudioStream, on the virtual clock."""

from __future__ import annotations

import asyncio
import gc
import weakref
from array import array
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from livekit.enums import TrackSource
from livekit.errors import EventLoopError
from livekit.media.audio.block import AudioBlock, AudioFeed, AudioSink
from livekit.media.audio.following_feed import FollowingFeed
from livekit.media.audio.frame import AudioFrame
from livekit.media.audio.source import AudioSource
from livekit.media.audio.source_feed import SourceFeed
from livekit.media.audio.stream import MAX_QUEUED_MS, AudioStream, NoiseCancellationOptions
from livekit.media.frame_processor import FrameProcessor
from livekit.media.tracks import Track
from livekit.participant import Participant
from livekit.testing.clock import VirtualClock

RATE = 48_000


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


class FakeFeed:
    """Gives a block whenever the test says so."""

    def __init__(self) -> None:
        self.sinks: list[tuple[int, int, AudioSink]] = []

    def add_sink(self, sample_rate: int, channels: int, sink: AudioSink) -> None:
        self.sinks.append((sample_rate, channels, sink))

    def remove_sink(self, sink: AudioSink) -> None:
        self.sinks = [kept for kept in self.sinks if kept[2] is not sink]

    def give(self, value: int = 1) -> None:
        for rate, channels, sink in self.sinks:
            sink(AudioBlock(array("h", [value] * (rate // 100 * channels)).tobytes(), rate, channels, 0))


class FakeTrack:
    def __init__(self, feed: AudioFeed) -> None:
        self.feed = feed
        self.streams: weakref.WeakSet[AudioStream] = weakref.WeakSet()

    def _audio_feed(self, *_source: object) -> AudioFeed:
        return self.feed

    def _register_audio_stream(self, stream: AudioStream) -> None:
        self.streams.add(stream)

    def _unregister_audio_stream(self, stream: AudioStream) -> None:
        self.streams.discard(stream)

    @property
    def track(self) -> Track:
        return cast("Track", self)


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


@pytest.fixture
def track(feed: FakeFeed) -> FakeTrack:
    return FakeTrack(feed)


async def read(stream: AudioStream, count: int) -> list[AudioFrame]:
    return [(await stream.__anext__()).frame for _ in range(count)]


async def test_frames_of_10_ms(feed: FakeFeed, track: FakeTrack) -> None:
    stream = AudioStream(track.track, sample_rate=24_000, num_channels=2)
    feed.give(7)
    (frame,) = await read(stream, 1)
    assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (24_000, 2, 240)
    frame.data[0] = 9  # applications process frames in place
    assert list(frame.data) == [9, *[7] * 479]
    await stream.aclose()


@pytest.mark.parametrize(("ms", "samples"), [(10, 480), (20, 960), (50, 2400), (25, 1200), (5, 240), (0, 480)])
async def test_frame_size(feed: FakeFeed, track: FakeTrack, ms: int, samples: int) -> None:
    stream = AudioStream.from_track(track=track.track, frame_size_ms=ms)
    for _ in range(10):
        feed.give()
    frames = await read(stream, 4800 // samples)
    assert {frame.samples_per_channel for frame in frames} == {samples}
    await stream.aclose()


async def test_reader_waits_for_frames(feed: FakeFeed, track: FakeTrack) -> None:
    stream = AudioStream(track.track)
    one, other = (asyncio.create_task(read(stream, 1)) for _ in range(2))
    await asyncio.sleep(1.0)
    assert not one.done()
    assert not other.done()
    feed.give()
    feed.give()
    await asyncio.gather(one, other)
    await stream.aclose()


async def test_cancelled_reader_loses_no_frame(feed: FakeFeed, track: FakeTrack) -> None:
    stream = AudioStream(track.track)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(read(stream, 1), 0.1)
    reader = asyncio.create_task(read(stream, 1))
    await asyncio.sleep(0.1)
    feed.give(3)
    reader.cancel()  # in the iteration in which the frame came
    await asyncio.gather(reader, return_exceptions=True)
    assert (await read(stream, 1))[0].data[0] == 3
    await stream.aclose()


async def test_reader_that_is_being_cancelled_is_not_woken(feed: FakeFeed, track: FakeTrack) -> None:
    stream = AudioStream(track.track)
    cancelled, other = (asyncio.create_task(read(stream, 1)) for _ in range(2))
    await asyncio.sleep(0.1)
    cancelled.cancel()
    feed.give()  # in the same iteration
    await other
    last = asyncio.create_task(read(stream, 1))
    await asyncio.sleep(0.1)
    last.cancel()
    stream._end()
    for task in (cancelled, last):
        with pytest.raises(asyncio.CancelledError):
            await task
    await stream.aclose()


async def test_end_of_the_track_ends_the_stream_after_its_frames(feed: FakeFeed, track: FakeTrack) -> None:
    stream = AudioStream(track.track)
    feed.give()
    stream._end()
    assert feed.sinks == []
    assert len([event async for event in stream]) == 1
    with pytest.raises(StopAsyncIteration):
        await stream.__anext__()
    await stream.aclose()


async def test_waiting_reader_ends_with_the_track_and_with_aclose(feed: FakeFeed, track: FakeTrack) -> None:
    for closes in (False, True):
        stream = AudioStream(track.track)
        reader = asyncio.create_task(_drain(stream))
        await asyncio.sleep(0.1)
        if closes:
            await stream.aclose()
        else:
            stream._end()
        assert await reader == 0
        await stream.aclose()
    assert feed.sinks == []
    assert not track.streams


async def _drain(stream: AudioStream) -> int:
    return len([event async for event in stream])


async def test_closed_stream_gives_nothing_more(feed: FakeFeed, track: FakeTrack) -> None:
    stream = AudioStream(track.track)
    assert list(track.streams) == [stream]
    feed.give()
    await stream.aclose()
    await stream.aclose()
    assert await _drain(stream) == 0
    assert (feed.sinks, len(track.streams)) == ([], 0)


async def test_capacity_drops_the_oldest(feed: FakeFeed, track: FakeTrack, caplog: pytest.LogCaptureFixture) -> None:
    stream = AudioStream(track.track, capacity=3)
    for value in range(5):
        feed.give(value)
    assert [frame.data[0] for frame in await read(stream, 3)] == [2, 3, 4]
    assert caplog.records == []
    await stream.aclose()


@pytest.mark.parametrize("ms", [10, 50])
async def test_unread_stream_is_bounded_and_warns_once(
    feed: FakeFeed, track: FakeTrack, caplog: pytest.LogCaptureFixture, ms: int
) -> None:
    stream = AudioStream(track.track, sample_rate=8_000, frame_size_ms=ms)
    for number in range(2 * MAX_QUEUED_MS // 10):
        feed.give(number)
    assert len(stream._queue) == MAX_QUEUED_MS // ms
    assert len(caplog.records) == 1
    assert "an AudioStream is not read" in caplog.text
    await stream.aclose()


@pytest.mark.parametrize("arguments", [{"frame_size_ms": -1}, {"frame_size_ms": 10_001}, {"capacity": -1}])
async def test_impossible_arguments(track: FakeTrack, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"not negative; not -?\d+"):
        AudioStream(track.track, **arguments)  # type: ignore[arg-type]


async def test_track_without_audio_is_refused() -> None:
    with pytest.raises(TypeError, match="needs an audio track or a participant, not NoneType"):
        AudioStream(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="needs an audio track or a participant, not int"):
        AudioStream.from_participant(participant=cast("Participant", 3), track_source=TrackSource.SOURCE_MICROPHONE)


async def test_dropped_stream_is_collected(feed: FakeFeed, track: FakeTrack) -> None:
    stream = AudioStream(track.track)
    feed.give()
    reference = weakref.ref(stream)
    del stream
    gc.collect()
    assert reference() is None
    assert feed.sinks == []


async def test_other_event_loop_is_refused(track: FakeTrack) -> None:
    stream = AudioStream(track.track)

    async def use() -> None:
        with pytest.raises(EventLoopError):
            await stream.__anext__()

    await asyncio.to_thread(asyncio.run, use())
    await stream.aclose()


class Doubler(FrameProcessor[AudioFrame]):
    def __init__(self) -> None:
        self._enabled = True
        self.closed = 0

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value

    def _process(self, frame: AudioFrame) -> AudioFrame:
        if frame.data[0] == 5:
            raise RuntimeError("broken")
        frame.data[0] *= 2
        return frame

    def _close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(("make", "closes"), [(AudioStream, True), (AudioStream.from_track, False)])
async def test_processor_changes_frames(
    feed: FakeFeed, track: FakeTrack, make: Any, closes: bool, caplog: pytest.LogCaptureFixture
) -> None:
    processor = Doubler()
    stream: AudioStream = make(track=track.track, noise_cancellation=processor)
    feed.give(4)
    feed.give(5)
    processor.enabled = False
    feed.give(6)
    assert [frame.data[0] for frame in await read(stream, 3)] == [8, 5, 6]
    assert "Frame processing failed" in caplog.text
    await stream.aclose()
    assert processor.closed == closes


async def test_native_filter_is_left_out_with_a_warning(
    feed: FakeFeed, track: FakeTrack, caplog: pytest.LogCaptureFixture
) -> None:
    stream = AudioStream(track.track, noise_cancellation=NoiseCancellationOptions("filter", {}))
    assert "noise cancellation filter filter is a native module" in caplog.text
    feed.give(4)
    assert (await read(stream, 1))[0].data[0] == 4
    await stream.aclose()


async def test_stream_of_a_local_track() -> None:
    source = AudioSource(RATE, 1)
    stream = AudioStream(FakeTrack(SourceFeed(source)).track, num_channels=2)
    await asyncio.sleep(0.1)
    await source.capture_frame(AudioFrame(array("h", [5] * 480).tobytes(), RATE, 1, 480))
    await asyncio.sleep(0.1)
    frames = await read(stream, 19)
    assert sum(any(frame.data) for frame in frames) == 1
    assert max(max(frame.data) for frame in frames) == 5
    assert {frame.num_channels for frame in frames} == {2}
    await stream.aclose()
    await source.aclose()


async def test_participants_stream_follows_its_tracks() -> None:
    one, other = FakeFeed(), FakeFeed()
    following = FollowingFeed()
    participant = cast("Participant", FakeTrack(following))
    stream = AudioStream.from_participant(participant=participant, track_source=TrackSource.SOURCE_MICROPHONE)
    one.give(1)
    following.follow(one)
    one.give(2)
    following.follow(one)
    following.follow(other)
    one.give(3)
    other.give(4)
    following.follow(None)
    other.give(5)
    assert [event.frame.data[0] for event in stream._queue] == [2, 4]
    following.follow(one)
    await stream.aclose()
    assert (one.sinks, other.sinks) == ([], [])
    with pytest.raises(ValueError, match="1 or 2 channels"):
        following.add_sink(RATE, 3, lambda block: None)
