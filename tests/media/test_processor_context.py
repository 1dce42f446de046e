"""What frame processors are told of a track's room."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from livekit.media.processor_context import ProcessorContext, StreamInfo
from livekit.rtc import AudioFrame, FrameProcessor


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
    context, stream, plain = ProcessorContext(), Stream(recorder := Recorder()), Stream(None)
    context.add(stream)
    context.add(plain)
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


def test_stream_added_later_is_told_at_once() -> None:
    context, stream = ProcessorContext(), Stream(recorder := Recorder())
    context.enter(INFO, token="one", url="ws://server")
    context.refresh(token="two", url="ws://server")
    context.add(stream)
    assert recorder.told == [("room", "alice", "TR_1"), ("two", "ws://server")]
    context.discard(stream)
    context.leave()
    assert len(recorder.told) == 2


def test_streams_are_not_kept_alive() -> None:
    context, recorder = ProcessorContext(), Recorder()
    context.add(Stream(recorder))
    gc.collect()
    context.enter(INFO, token="one", url="ws://server")
    assert recorder.told == []


def test_failure_of_a_processor_is_logged_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    context, recorder = ProcessorContext(), Recorder()
    streams = [Stream(Broken()), Stream(recorder)]
    for stream in streams:
        context.add(stream)
    context.enter(INFO, token="one", url="ws://server")
    assert recorder.told[-1] == ("one", "ws://server")
    assert "A frame processor failed" in caplog.text
