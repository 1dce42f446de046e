"""Frames as fields of pydantic models."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from livekit import AudioFrame, VideoBufferType, VideoFrame

VIDEO = TypeAdapter(VideoFrame)
AUDIO = TypeAdapter(AudioFrame)


class Recording(BaseModel):
    title: str
    frames: list[VideoFrame]


def make_frame() -> VideoFrame:
    return VideoFrame(1, 1, VideoBufferType.RGBA, b"abcd")


def test_video_frame_round_trips_through_json() -> None:
    text = VIDEO.dump_json(make_frame())
    assert json.loads(text) == {"width": 1, "height": 1, "type": "RGBA", "data": "YWJjZA=="}
    loaded = VIDEO.validate_json(text)
    assert (loaded.width, loaded.height, loaded.type, bytes(loaded.data)) == (1, 1, VideoBufferType.RGBA, b"abcd")


def test_audio_frame_round_trips_through_json() -> None:
    text = AUDIO.dump_json(AudioFrame(b"\x01\x00\x02\x00", 48000, 2, 1))
    assert json.loads(text) == {"data": "AQACAA==", "sample_rate": 48000, "num_channels": 2, "samples_per_channel": 1}
    loaded = AUDIO.validate_json(text)
    assert (list(loaded.data), loaded.sample_rate, loaded.num_channels) == ([1, 2], 48000, 2)


def test_model_keeps_frames_and_loads_its_own_dump() -> None:
    frame = make_frame()
    recording = Recording(title="one", frames=[frame])
    assert recording.frames[0] is frame
    loaded = Recording.model_validate(recording.model_dump())
    assert bytes(loaded.frames[0].data) == b"abcd"


@pytest.mark.parametrize("value", [3, "frame", None, AudioFrame(b"\0\0", 8000, 1, 1)])
def test_other_objects_are_not_frames(value: object) -> None:
    with pytest.raises(TypeError, match="is not a VideoFrame"):
        VIDEO.validate_python(value)


@pytest.mark.parametrize(
    "fields",
    [{}, {"width": 1, "height": 1, "type": 5, "data": ""}, {"width": "w", "height": 1, "type": "", "data": ""}],
)
def test_json_of_missing_or_mistyped_fields_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VIDEO.validate_json(json.dumps(fields))
