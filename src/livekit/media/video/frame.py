"""Raw video frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.enums import VideoBufferType
from livekit.errors import MediaNotBuiltError
from livekit.media.buffers import contiguous_bytes
from livekit.media.pydantic import frame_schema

if TYPE_CHECKING:
    from livekit.enums import VideoRotation
    from livekit.messages import FrameMetadata

_HALF, _FULL = 2, 1
_PLANES: dict[int, tuple[int, tuple[tuple[int, int], ...]]] = {
    VideoBufferType.I420: (1, ((_FULL, _FULL), (_HALF, _HALF), (_HALF, _HALF))),
    VideoBufferType.I420A: (1, ((_FULL, _FULL), (_HALF, _HALF), (_HALF, _HALF), (_FULL, _FULL))),
    VideoBufferType.I422: (1, ((_FULL, _FULL), (_HALF, _FULL), (_HALF, _FULL))),
    VideoBufferType.I444: (1, ((_FULL, _FULL), (_FULL, _FULL), (_FULL, _FULL))),
    VideoBufferType.I010: (2, ((_FULL, _FULL), (_HALF, _HALF), (_HALF, _HALF))),
}
"""Bytes per sample and each plane's (horizontal, vertical) subsampling, by pixel format."""


def _plane_sizes(kind: int, width: int, height: int) -> list[int]:
    """Return the size of each plane in bytes; empty for packed formats."""
    if kind == VideoBufferType.NV12:
        return [width * height, -(-width // 2) * 2 * -(-height // 2)]
    sample, divisors = _PLANES.get(kind, (0, ()))
    return [sample * -(-width // x) * -(-height // y) for x, y in divisors]


class VideoFrame:
    """A raw video frame.

    Args:
        width: in pixels.
        height: in pixels.
        type: the pixel format of `data`.
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
        self._data = contiguous_bytes(data)

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
        """Return a plane of a planar format; None if the format has no such plane."""
        sizes = _plane_sizes(self._type, self._width, self._height)
        if plane_nth >= len(sizes):
            return None
        start = sum(sizes[:plane_nth])
        return self.data[start : start + sizes[plane_nth]]

    def convert(self, type: VideoBufferType.ValueType, *, flip_y: bool = False) -> VideoFrame:  # noqa: A002
        """Convert to another pixel format. Raises MediaNotBuiltError."""
        raise MediaNotBuiltError("VideoFrame.convert")

    def __repr__(self) -> str:
        return f"rtc.VideoFrame(width={self.width}, height={self.height}, type={VideoBufferType.Name(self.type)})"

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        return frame_schema(cls, ("width", "height", "type", "data"), enums={"type": VideoBufferType})


@dataclass
class VideoFrameEvent:
    """An item of a `VideoStream`."""

    frame: VideoFrame
    timestamp_us: int
    rotation: VideoRotation
    metadata: FrameMetadata | None = None
