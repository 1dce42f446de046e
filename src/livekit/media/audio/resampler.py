"""Sample rate conversion."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    from .frame import AudioFrame


class AudioResamplerQuality(str, enum.Enum):
    """The quality of an `AudioResampler`; higher ones are slower."""

    QUICK = "quick"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


class AudioResampler:
    """Converts the sample rate of audio. Raises MediaNotBuiltError."""

    def __init__(
        self,
        input_rate: int,
        output_rate: int,
        *,
        num_channels: int = 1,
        quality: AudioResamplerQuality = AudioResamplerQuality.MEDIUM,
    ) -> None:
        raise MediaNotBuiltError("AudioResampler")

    def push(self, data: bytearray | AudioFrame) -> list[AudioFrame]:
        raise MediaNotBuiltError

    def flush(self) -> list[AudioFrame]:
        raise MediaNotBuiltError
