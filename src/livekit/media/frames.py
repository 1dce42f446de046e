"""Frames of audio and video, and what comes with them: containers of data."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from livekit.enums import VideoBufferType
from livekit.errors import MediaNotBuiltError

from .pydantic import frame_schema

if TYPE_CHECKING:
    from livekit.enums import EncodedFrameType, VideoCodec, VideoRotation
    from livekit.messages import FrameMetadata

Buffer: TypeAlias = "bytes | bytearray | memoryview"

SAMPLE_SIZE = 2
"""Bytes of a sample: a signed 16-bit integer."""


def _whole(data: Buffer) -> Buffer:
    """The data as bytes one after another. Raises TypeError for anything else, ValueError for gaps in it."""
    if isinstance(data, memoryview):
        if not data.contiguous:
            raise ValueError("the memoryview has gaps; pass a contiguous one")
        return data.cast("B")
    if not isinstance(data, (bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers err
        raise TypeError(f"data must be bytes, a bytearray or a memoryview, not {type(data).__name__}")
    return data


class AudioFrame:
    """Audio as signed 16-bit integers, the channels interleaved.

    Args:
        data: at least ``num_channels * samples_per_channel * 2`` bytes.
        sample_rate: Hz.

    Raises:
        ValueError: `data` is too short, or not whole samples.
    """

    def __init__(
        self,
        data: bytes | bytearray | memoryview,
        sample_rate: int,
        num_channels: int,
        samples_per_channel: int,
        *,
        userdata: dict[str, Any] | None = None,
    ) -> None:
        data = _whole(data)
        needed = num_channels * samples_per_channel * SAMPLE_SIZE
        if len(data) < needed:
            raise ValueError(
                f"data has {len(data)} bytes; {num_channels} x {samples_per_channel} samples need {needed}"
            )
        if len(data) % SAMPLE_SIZE:
            raise ValueError(f"data has {len(data)} bytes, which is no whole number of 16-bit samples")
        self._data = data
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._samples_per_channel = samples_per_channel
        self._userdata = {} if userdata is None else userdata

    @staticmethod
    def create(sample_rate: int, num_channels: int, samples_per_channel: int) -> AudioFrame:
        """A frame of silence, to be written to."""
        silence = bytearray(num_channels * samples_per_channel * SAMPLE_SIZE)
        return AudioFrame(silence, sample_rate, num_channels, samples_per_channel)

    @property
    def userdata(self) -> dict[str, Any]:
        """What the application keeps with the frame."""
        return self._userdata

    @property
    def data(self) -> memoryview:
        """The samples, as 16-bit integers."""
        return memoryview(self._data).cast("B").cast("h")

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        return self._num_channels

    @property
    def samples_per_channel(self) -> int:
        return self._samples_per_channel

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples_per_channel / self.sample_rate

    def to_wav_bytes(self) -> bytes:
        """The frame as a WAV file."""
        with io.BytesIO() as file:
            with wave.open(file, "wb") as writer:
                writer.setnchannels(self.num_channels)
                writer.setsampwidth(SAMPLE_SIZE)
                writer.setframerate(self.sample_rate)
                writer.writeframes(self._data)
            return file.getvalue()

    def __repr__(self) -> str:
        return (
            f"rtc.AudioFrame(sample_rate={self.sample_rate}, num_channels={self.num_channels}, "
            f"samples_per_channel={self.samples_per_channel}, duration={self.duration:.3f})"
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        return frame_schema(cls, ("data", "sample_rate", "num_channels", "samples_per_channel"))


def combine_audio_frames(buffer: AudioFrame | list[AudioFrame]) -> AudioFrame:
    """One frame with the samples of all, in order.

    Raises:
        ValueError: no frames, or frames of different rates or numbers of channels.
    """
    if not isinstance(buffer, list):
        return buffer
    if not buffer:
        raise ValueError("buffer is empty: there are no frames to combine")
    first = buffer[0]
    for frame in buffer:
        if (frame.sample_rate, frame.num_channels) != (first.sample_rate, first.num_channels):
            raise ValueError(f"{frame!r} cannot be combined with {first!r}: rate and channels must be the same")
    data = bytearray().join(frame.data.cast("B") for frame in buffer)
    samples = sum(frame.samples_per_channel for frame in buffer)
    return AudioFrame(data, first.sample_rate, first.num_channels, samples)


_HALF, _FULL = 2, 1
_PLANES: dict[int, tuple[int, tuple[tuple[int, int], ...]]] = {
    VideoBufferType.I420: (1, ((_FULL, _FULL), (_HALF, _HALF), (_HALF, _HALF))),
    VideoBufferType.I420A: (1, ((_FULL, _FULL), (_HALF, _HALF), (_HALF, _HALF), (_FULL, _FULL))),
    VideoBufferType.I422: (1, ((_FULL, _FULL), (_HALF, _FULL), (_HALF, _FULL))),
    VideoBufferType.I444: (1, ((_FULL, _FULL), (_FULL, _FULL), (_FULL, _FULL))),
    VideoBufferType.I010: (2, ((_FULL, _FULL), (_HALF, _HALF), (_HALF, _HALF))),
}
"""By format: bytes of a sample, and by what each plane's width and height are divided."""


def _plane_sizes(kind: int, width: int, height: int) -> list[int]:
    """Bytes of each plane; none for packed formats."""
    if kind == VideoBufferType.NV12:
        return [width * height, -(-width // 2) * 2 * -(-height // 2)]
    sample, divisors = _PLANES.get(kind, (0, ()))
    return [sample * -(-width // x) * -(-height // y) for x, y in divisors]


class VideoFrame:
    """A picture.

    Args:
        width: pixels.
        height: pixels.
        type: how `data` holds them.
    """

    def __init__(
        self,
        width: int,
        height: int,
        type: VideoBufferType.ValueType,  # noqa: A002
        data: bytes | bytearray | memoryview,
    ) -> None:
        self._width = width
        self._height = height
        self._type = type
        self._data = _whole(data)

    @property
    def width(self) -> int:
        return self._width

    @property
    def height(self) -> int:
        return self._height

    @property
    def type(self) -> VideoBufferType.ValueType:
        return self._type

    @property
    def data(self) -> memoryview:
        return memoryview(self._data)

    def get_plane(self, plane_nth: int) -> memoryview | None:
        """One plane of a planar format; None where there is no such plane."""
        sizes = _plane_sizes(self._type, self._width, self._height)
        if plane_nth >= len(sizes):
            return None
        start = sum(sizes[:plane_nth])
        return self.data[start : start + sizes[plane_nth]]

    def convert(self, type: VideoBufferType.ValueType, *, flip_y: bool = False) -> VideoFrame:  # noqa: A002
        """The picture in another format. Raises MediaNotBuiltError."""
        raise MediaNotBuiltError("VideoFrame.convert")

    def __repr__(self) -> str:
        return f"rtc.VideoFrame(width={self.width}, height={self.height}, type={VideoBufferType.Name(self.type)})"

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        return frame_schema(cls, ("width", "height", "type", "data"), enums={"type": VideoBufferType})


@dataclass
class AudioFrameEvent:
    """What an `AudioStream` gives."""

    frame: AudioFrame


@dataclass
class VideoFrameEvent:
    """What a `VideoStream` gives."""

    frame: VideoFrame
    timestamp_us: int
    rotation: VideoRotation
    metadata: FrameMetadata | None = None


@dataclass
class EncodedVideoFrame:
    """A picture as a codec wrote it."""

    data: bytes
    width: int
    height: int
    codec: VideoCodec.ValueType
    frame_type: EncodedFrameType.ValueType
    timestamp_us: int
    metadata: FrameMetadata | None = None
