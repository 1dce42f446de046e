"""What frame processors are told of a track's room."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from livekit._room.room_processors import RoomProcessors
from livekit.media.processor_context import ProcessorContext, StreamInfo
from livekit.rtc import (
    AudioFrame,
    AudioSource,
    AudioStream,
    FrameProcessor,
    LocalAudioTrack,
)
from tests.support.rooms import Join


class Recorder(FrameProcessor[AudioFrame]):
    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    @property
    def enabled(self) -> bool:
        return True

    @enabled.setter
    def enabled(self, value: bool) -> None: ...

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        self.told.append((room_name, participant_identity, publication_sid))

    def _on_stream_info_cleared(self) -> None:
        self.told.append(("cleared",))

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        self.told.append((token, url))

    def _on_credentials_cleared(self) -> None:
        self.told.append(("no credentials",))

    def _process(self, frame: AudioFrame) -> AudioFrame:
        return frame

    def _close(self) -> None: ...


class Broken(Recorder):
    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        raise ValueError("broken")


class Stream:
    def __init__(self, processor: FrameProcessor[Any] | None) -> None:
        self._processor = processor


INFO = StreamInfo("room", "alice", "TR_1")


def test_processor_is_told_of_its_room_until_the_track_leaves() -> None:
    streams = [Stream(recorder := Recorder()), Stream(None)]
    context = ProcessorContext(lambda: streams)
    context.refresh(token="none", url="ws://server")
    context.leave()
    assert recorder.told == []
    context.enter(INFO, token="one", url="ws://server")
    context.refresh(token="two", url="ws://server")
    context.leave()
    context.leave()
    context.refresh(token="three", url="ws://server")
    assert recorder.told == [
        ("room", "alice", "TR_1"),
        ("one", "ws://server"),
        ("two", "ws://server"),
        ("cleared",),
        ("no credentials",),
    ]


def test_stream_made_later_is_told_at_once() -> None:
    streams: list[Stream] = []
    context, stream = ProcessorContext(lambda: streams), Stream(recorder := Recorder())
    context.tell(stream)
    assert recorder.told == []
    context.enter(INFO, token="one", url="ws://server")
    context.refresh(token="two", url="ws://server")
    context.tell(stream)
    assert recorder.told == [("room", "alice", "TR_1"), ("two", "ws://server")]


def test_failure_of_a_processor_is_logged_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    streams = [Stream(Broken()), Stream(recorder := Recorder())]
    ProcessorContext(lambda: streams).enter(INFO, token="one", url="ws://server")
    assert recorder.told[-1] == ("one", "ws://server")
    assert "A frame processor failed" in caplog.text


class Track:
    """A track, as far as the room's processors look."""

    def __init__(self, processor: Recorder) -> None:
        self.streams = [Stream(processor)]
        self._processors = ProcessorContext(lambda: self.streams)


def test_processors_of_a_room_follow_its_events() -> None:
    tokens = ["one"]
    processors = RoomProcessors("ws://server", lambda: tokens[-1], lambda: "room", lambda: "me")
    emitted: list[str] = []

    def record(name: str, *_: object) -> None:
        emitted.append(name)

    emit = processors.before_callbacks(record)
    track = Track(recorder := Recorder())
    publication, sender = SimpleNamespace(sid="TR_1", track=track), SimpleNamespace(identity="alice")
    emit("track_subscribed", track, publication, sender)
    tokens.append("two")
    emit("token_refreshed")
    emit("track_unsubscribed", track, publication, sender)
    emit("token_refreshed")
    emit("local_track_republished", publication, "TR_0")
    assert recorder.told == [
        ("room", "alice", "TR_1"),
        ("one", "ws://server"),
        ("two", "ws://server"),
        ("cleared",),
        ("no credentials",),
        ("room", "me", "TR_1"),
        ("two", "ws://server"),
    ]
    assert emitted[:2] == ["track_subscribed", "token_refreshed"]


async def test_processor_of_a_published_track_is_told(join: Join, room_name: str) -> None:
    alice = await join("alice")
    source = AudioSource(48000, 1)
    track = LocalAudioTrack.create_audio_track("tone", source)
    published = asyncio.Event()
    alice.on("local_track_published", published.set)
    stream = AudioStream(track, noise_cancellation=(recorder := Recorder()))
    publication = await alice.local_participant.publish_track(track)
    await asyncio.wait_for(published.wait(), 10)
    (where, (token, url)) = recorder.told
    assert where == (room_name, "alice", publication.sid)
    assert token.count(".") == 2
    assert url.startswith("ws")
    await alice.local_participant.unpublish_track(publication.sid)
    assert recorder.told[2:] == [("cleared",), ("no credentials",)]
    await stream.aclose()
    await source.aclose()
