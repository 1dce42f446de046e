"""Media classes: data holders work, and everything that needs a media engine raises MediaNotBuiltError."""

from __future__ import annotations

import inspect
import io
import json
import wave
from collections.abc import Callable
from typing import cast

import pytest

from livekit import rtc
from livekit.errors import MediaNotBuiltError
from livekit.media.publications import RemoteTrackPublication
from livekit.protocol import models

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
]


@pytest.mark.parametrize(("engine", "arguments"), ENGINES)
def test_engine_constructors_name_the_alternative(engine: type, arguments: tuple[object, ...]) -> None:
    with pytest.raises(MediaNotBuiltError, match=f"{engine.__name__} needs audio or video.*official package"):
        engine(*arguments)
    assert issubclass(MediaNotBuiltError, NotImplementedError)


@pytest.mark.parametrize("engine", [engine for engine, _ in ENGINES])
async def test_every_method_of_an_engine_raises(engine: type) -> None:
    instance = cast("object", object.__new__(engine))
    public = [n for n, f in vars(engine).items() if not n.startswith("_") and inspect.isfunction(f)]
    for name in public:
        method = getattr(instance, name)
        arguments: dict[str, object] = {
            n: None for n, p in inspect.signature(method).parameters.items() if p.default is p.empty
        }
        with pytest.raises(MediaNotBuiltError):
            await _call(method, arguments)


async def _call(method: Callable[..., object], arguments: dict[str, object]) -> None:
    result = method(**arguments)
    if inspect.isawaitable(result):
        await result


def test_track_factories_raise() -> None:
    with pytest.raises(MediaNotBuiltError, match="create_audio_track"):
        rtc.LocalAudioTrack.create_audio_track("mic", None)  # type: ignore[arg-type]  # no source can be made
    with pytest.raises(MediaNotBuiltError, match="create_video_track"):
        rtc.LocalVideoTrack.create_video_track("cam", None)  # type: ignore[arg-type]  # no source can be made


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
    planes = [frame.get_plane(index) for index in range(len(sizes))]
    assert [len(plane) for plane in planes if plane is not None] == sizes
    assert b"".join(plane for plane in planes if plane is not None) == bytes(range(sum(sizes)))
    assert frame.get_plane(len(sizes)) is None
    with pytest.raises(MediaNotBuiltError, match="convert"):
        frame.convert(rtc.VideoBufferType.RGBA)


def test_publications_have_the_announced_properties() -> None:
    info = models.TrackInfo(
        sid="TR_1", name="cam", type=models.TrackType.VIDEO, source=models.TrackSource.SCREEN_SHARE, width=640,
        height=480, muted=True, mime_type="video/vp8", encryption=models.Encryption.GCM,
    )  # fmt: skip
    publication = RemoteTrackPublication(info)
    assert (publication.sid, publication.name, publication.kind) == ("TR_1", "cam", rtc.TrackKind.KIND_VIDEO)
    assert publication.source == rtc.TrackSource.SOURCE_SCREENSHARE
    assert (publication.width, publication.height, publication.muted) == (640, 480, True)
    assert publication.encryption_type == rtc.EncryptionType.GCM
    assert publication.track is None
    assert not publication.subscribed
    publication.set_subscribed(False)
    with pytest.raises(MediaNotBuiltError):
        publication.set_subscribed(True)


def test_frames_serialize_in_pydantic_models() -> None:
    pydantic = pytest.importorskip("pydantic", reason="an optional dependency of users' programs")
    adapter = pydantic.TypeAdapter(rtc.VideoFrame)
    frame = rtc.VideoFrame(1, 1, rtc.VideoBufferType.RGBA, b"abcd")
    text = adapter.dump_json(frame)
    assert json.loads(text) == {"width": 1, "height": 1, "type": "RGBA", "data": "YWJjZA=="}
    again = adapter.validate_json(text)
    assert (again.width, again.type, bytes(again.data)) == (1, rtc.VideoBufferType.RGBA, b"abcd")
    assert adapter.validate_python(frame) is frame
    with pytest.raises(Exception, match="VideoFrame"):
        adapter.validate_python(3)
