"""Media classes: data holders work, and everything that needs a media engine raises MediaNotBuiltError."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import cast

import pytest

from livekit import rtc
from livekit.errors import MediaNotBuiltError
from livekit.media.publisher import PublishTrackError, UnpublishTrackError

ENGINES = [
    (rtc.VideoSource, (2, 2)),
    (rtc.VideoStream, (None,)),
    (rtc.EncodedVideoSource, (2, 2)),
    (rtc.RemoteVideoTrack, ()),
]

CLASSES = [*(engine for engine, _ in ENGINES), rtc.Track, rtc.LocalVideoTrack]


@pytest.mark.parametrize(("engine", "arguments"), ENGINES)
def test_engine_constructors_name_the_alternative(engine: type, arguments: tuple[object, ...]) -> None:
    with pytest.raises(MediaNotBuiltError, match=f"{engine.__name__} needs audio or video.*official package"):
        engine(*arguments)
    assert issubclass(MediaNotBuiltError, NotImplementedError)


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


def test_video_track_factory_raises() -> None:
    with pytest.raises(MediaNotBuiltError, match="create_video_track"):
        rtc.LocalVideoTrack.create_video_track("cam", None)  # type: ignore[arg-type]  # no source can be made


@pytest.mark.parametrize("error", [PublishTrackError, UnpublishTrackError])
def test_track_errors_keep_their_message(error: type[PublishTrackError] | type[UnpublishTrackError]) -> None:
    assert error("refused").message == str(error("refused")) == "refused"


def test_instance_checks() -> None:
    assert not isinstance(3, rtc.RemoteAudioTrack)
    assert not isinstance(3, rtc.RemoteTrack)
    assert issubclass(rtc.LocalVideoTrack, rtc.Track)


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
