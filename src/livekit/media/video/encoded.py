"""Video encoded by the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    from livekit.enums import EncodedFrameType, VideoCodec
    from livekit.messages import FrameMetadata


@dataclass
class EncodedVideoFrame:
    """A frame in the format of a codec."""

    data: bytes
    width: int
    height: int
    codec: VideoCodec.ValueType
    frame_type: EncodedFrameType.ValueType
    timestamp_us: int
    metadata: FrameMetadata | None = None


@dataclass
class EncodedRateControl:
    """Target rates for an encoder."""

    target_bitrate_bps: int
    framerate_fps: float


@dataclass
class EncodedVideoSourceFeedback:
    """Receivers' requests to an encoder."""

    keyframe_requested: bool
    rate_control: EncodedRateControl | None


class EncodedVideoSource:
    """Video encoded by the application. Raises MediaNotBuiltError."""

    def __init__(self, width: int, height: int) -> None:
        raise MediaNotBuiltError("EncodedVideoSource")

    def capture_frame(self, frame: EncodedVideoFrame) -> bool:
        raise MediaNotBuiltError

    def take_feedback(self) -> EncodedVideoSourceFeedback:
        raise MediaNotBuiltError

    async def aclose(self) -> None:
        raise MediaNotBuiltError
