"""Media classes: data holders work, and everything that needs a media engine raises MediaNotBuiltError."""

from __future__ import annotations

import inspect
import io
import wave
from collections.abc import Callable
from types import FunctionType
from typing import cast

import pytest

from livekit import rtc
from livekit.errors import MediaNotBuiltError
from livekit.media.devices import InputCapture, OutputPlayer
from livekit.media.publisher import PublishTrackError, TrackPublisher, UnpublishTrackError

ENGINES = [
    (rtc.AudioSource, (48000, 1)),
    (rtc.AudioStream, (None,)),
    (rtc.AudioMixer, (48000, 1)),
    (rtc.AudioResampler, (48000, 16000)),
    (rtc.AudioProcessingModule, ()),
    (rtc.AudioFilter, ("module", "path")),
    (rtc.VideoSource, (2, 2)),
    (rtc.VideoStream, (None,)),
    (rtc.EncodedVideoSource, (2, 2)),
    (rtc.MediaDevices, ()),
    (rtc.PlatformAudio, ()),
    (rtc.LocalAudioTrack, ()),
    (rtc.RemoteVideoTrack, ()),
    (rtc.FrameCryptor, ()),
    (rtc.PlatformAudioSource, ()),
    (InputCapture, ()),
    (OutputPlayer, ()),
]

CLASSES = [*(engine for engine, _ in ENGINES), rtc.Track, rtc.AVSynchronizer, rtc.LocalVideoTrack, TrackPublisher]


@pytest.mark.parametrize(("engine", "arguments"), ENGINES)
def test_engine_constructors_name_the_alternative(engine: type, arguments: tuple[object, ...]) -> None:
    with pytest.raises(MediaNotBuiltError, match=f"{engine.__name__} needs audio or video.*official package"):
        engine(*arguments)
    assert issubclass(MediaNotBuiltError, NotImplementedError)


def test_synchronizer_names_the_alternative() -> None:
    with pytest.raises(MediaNotBuiltError, match="AVSynchronizer needs audio or video"):
        rtc.AVSynchronizer(audio_source=None, video_source=None, video_fps=30)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("engine", CLASSES)
async def test_every_member_of_an_engine_raises(engine: type) -> None:
    instance = cast("object", object.__new__(engine))
    for name, member in vars(engine).items():
        if isinstance(member, property):
            with pytest.raises(MediaNotBuiltError):
                getattr(instance, name)
        elif name in ITERATION or (not name.startswith("_") and isinstance(member, METHODS)):
            method = getattr(instance, name)
            parameters = inspect.signature(method).parameters.values()
            with pytest.raises(MediaNotBuiltError):
                await _call(method, {p.name: None for p in parameters if p.default is p.empty})


ITERATION = ("__aiter__", "__anext__")
METHODS = (FunctionType, classmethod, staticmethod)


async def _call(method: Callable[..., object], arguments: dict[str, object]) -> None:
    result = method(**arguments)
    if inspect.isawaitable(result):
        await result


def test_track_factories_raise() -> None:
    with pytest.raises(MediaNotBuiltError, match="create_audio_track"):
        rtc.LocalAudioTrack.create_audio_track("mic", None)  # type: ignore[arg-type]  # no source can be made
    with pytest.raises(MediaNotBuiltError, match="create_video_track"):
        rtc.LocalVideoTrack.create_video_track("cam", None)  # type: ignore[arg-type]  # no source can be made


@pytest.mark.parametrize("error", [PublishTrackError, UnpublishTrackError])
def test_track_errors_keep_their_message(error: type[PublishTrackError] | type[UnpublishTrackError]) -> None:
    assert error("refused").message == str(error("refused")) == "refused"


def test_instance_checks() -> None:
    assert not isinstance(3, rtc.RemoteAudioTrack)
    assert not isinstance(3, rtc.RemoteTrack)
    assert issubclass(rtc.LocalVideoTrack, rtc.Track)


def test_audio_frame() -> None:
    frame = rtc.AudioFrame(b"\x01\x00\x02\x00", sample_rate=48000, num_channels=2, samples_per_channel=1)
    assert list(frame.data) == [1, 2]
    assert frame.duration == 1 / 48000
    assert frame.userdata == {}
    silence = rtc.AudioFrame.create(8000, 1, 80)
    silence.data[3] = -7
    assert silence.data[3] == -7
    with wave.open(io.BytesIO(frame.to_wav_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (48000, 2, 2, 1)
        assert file.readframes(1) == b"\x01\x00\x02\x00"
    assert "48000" in repr(frame)


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"\0", ValueError), (b"\0" * 5, ValueError), ("text", TypeError), (memoryview(bytes(16))[::2], ValueError)],
)
def test_bad_audio_data_is_rejected(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        rtc.AudioFrame(data, 48000, 1, 2)


def test_memoryview_slices_are_accepted() -> None:
    frame = rtc.AudioFrame(memoryview(b"\0\0\x05\x00\0\0")[2:4], 48000, 1, 1)
    assert list(frame.data) == [5]


def test_combine_audio_frames() -> None:
    one = rtc.AudioFrame(b"\x01\x00", 48000, 1, 1)
    two = rtc.AudioFrame(b"\x02\x00\x03\x00", 48000, 1, 2)
    both = rtc.combine_audio_frames([one, two])
    assert (list(both.data), both.samples_per_channel) == ([1, 2, 3], 3)
    assert rtc.combine_audio_frames(one) is one
    with pytest.raises(ValueError, match="empty"):
        rtc.combine_audio_frames([])
    with pytest.raises(ValueError, match="the same"):
        rtc.combine_audio_frames([one, rtc.AudioFrame(b"\x01\x00", 16000, 1, 1)])


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (rtc.VideoBufferType.I420, [15, 6, 6]),
        (rtc.VideoBufferType.I420A, [15, 6, 6, 15]),
        (rtc.VideoBufferType.I422, [15, 10, 10]),
        (rtc.VideoBufferType.I444, [15, 15, 15]),
        (rtc.VideoBufferType.I010, [30, 12, 12]),
        (rtc.VideoBufferType.NV12, [15, 12]),
        (rtc.VideoBufferType.RGBA, []),
    ],
)
def test_planes_of_odd_sized_frames(kind: rtc.VideoBufferType.ValueType, sizes: list[int]) -> None:
    frame = rtc.VideoFrame(3, 5, kind, bytes(range(100)))
    assert repr(frame) == f"rtc.VideoFrame(width=3, height=5, type={rtc.VideoBufferType.Name(kind)})"
    planes = [frame.get_plane(index) for index in range(len(sizes))]
    assert [len(plane) for plane in planes if plane is not None] == sizes
    assert b"".join(plane for plane in planes if plane is not None) == bytes(range(sum(sizes)))
    assert frame.get_plane(len(sizes)) is None
    with pytest.raises(MediaNotBuiltError, match="convert"):
        frame.convert(rtc.VideoBufferType.RGBA)
