"""Sources, streams and processing of audio, by name."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from livekit.errors import MediaNotBuiltError

from .frames import AudioFrame, AudioFrameEvent, VideoFrame

if TYPE_CHECKING:
    import asyncio

    from livekit.enums import TrackSource
    from livekit.participant import Participant

    from .tracks import Track

T = TypeVar("T", bound="AudioFrame | VideoFrame")


class FrameProcessor(ABC, Generic[T]):
    """Base of what changes frames on their way."""

    @property
    @abstractmethod
    def enabled(self) -> bool: ...

    @enabled.setter
    @abstractmethod
    def enabled(self, value: bool) -> None: ...

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        """Frames of this stream come now."""

    def _on_stream_info_cleared(self) -> None:
        """No stream's frames come any more."""

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        """The room's server and token."""

    def _on_credentials_cleared(self) -> None:
        """The room was left."""

    @abstractmethod
    def _process(self, frame: T) -> T: ...

    @abstractmethod
    def _close(self) -> None: ...


@dataclass
class NoiseCancellationOptions:
    """Which filter cancels noise, and how."""

    module_id: str
    options: dict[str, Any]


class AudioSource:
    """Audio that the application makes. Raises MediaNotBuiltError."""

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        queue_size_ms: int = 1000,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        raise MediaNotBuiltError("AudioSource")

    @property
    def sample_rate(self) -> int:
        raise MediaNotBuiltError

    @property
    def num_channels(self) -> int:
        raise MediaNotBuiltError

    @property
    def queued_duration(self) -> float:
        raise MediaNotBuiltError

    def clear_queue(self) -> None:
        raise MediaNotBuiltError

    async def capture_frame(self, frame: AudioFrame) -> None:
        raise MediaNotBuiltError

    async def wait_for_playout(self) -> None:
        raise MediaNotBuiltError

    async def aclose(self) -> None:
        raise MediaNotBuiltError


class AudioStream:
    """The frames of a track. Raises MediaNotBuiltError."""

    def __init__(
        self,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: int | None = None,
        noise_cancellation: NoiseCancellationOptions | FrameProcessor[AudioFrame] | None = None,
        auto_close_noise_cancellation: bool = True,
        **kwargs: Any,
    ) -> None:
        raise MediaNotBuiltError("AudioStream")

    @classmethod
    def from_participant(
        cls,
        *,
        participant: Participant,
        track_source: TrackSource.ValueType,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: int | None = None,
        noise_cancellation: NoiseCancellationOptions | FrameProcessor[AudioFrame] | None = None,
        auto_close_noise_cancellation: bool = True,
    ) -> AudioStream:
        raise MediaNotBuiltError("AudioStream.from_participant")

    @classmethod
    def from_track(
        cls,
        *,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: int | None = None,
        noise_cancellation: NoiseCancellationOptions | FrameProcessor[AudioFrame] | None = None,
        auto_close_noise_cancellation: bool = False,
    ) -> AudioStream:
        raise MediaNotBuiltError("AudioStream.from_track")

    async def aclose(self) -> None:
        raise MediaNotBuiltError

    def __aiter__(self) -> AsyncIterator[AudioFrameEvent]:
        raise MediaNotBuiltError

    async def __anext__(self) -> AudioFrameEvent:
        raise MediaNotBuiltError


class AudioMixer:
    """Several streams as one. Raises MediaNotBuiltError."""

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        *,
        blocksize: int = 0,
        stream_timeout_ms: int = 100,
        capacity: int = 100,
    ) -> None:
        raise MediaNotBuiltError("AudioMixer")

    def add_stream(self, stream: AsyncIterator[AudioFrame]) -> None:
        raise MediaNotBuiltError

    def remove_stream(self, stream: AsyncIterator[AudioFrame]) -> None:
        raise MediaNotBuiltError

    def __aiter__(self) -> AudioMixer:
        raise MediaNotBuiltError

    async def __anext__(self) -> AudioFrame:
        raise MediaNotBuiltError

    async def aclose(self) -> None:
        raise MediaNotBuiltError

    def end_input(self) -> None:
        raise MediaNotBuiltError


class AudioResamplerQuality(str, enum.Enum):
    """How well, and how slowly, an `AudioResampler` works."""

    QUICK = "quick"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


class AudioResampler:
    """Audio at another rate. Raises MediaNotBuiltError."""

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


class AudioProcessingModule:
    """Echo cancellation, noise suppression and gain. Raises MediaNotBuiltError."""

    def __init__(
        self,
        *,
        echo_cancellation: bool = False,
        noise_suppression: bool = False,
        high_pass_filter: bool = False,
        auto_gain_control: bool = False,
    ) -> None:
        raise MediaNotBuiltError("AudioProcessingModule")

    def process_stream(self, data: AudioFrame) -> None:
        raise MediaNotBuiltError

    def process_reverse_stream(self, data: AudioFrame) -> None:
        raise MediaNotBuiltError

    def set_stream_delay_ms(self, delay_ms: int) -> None:
        raise MediaNotBuiltError


class AudioFilter:
    """A filter from a native library. Raises MediaNotBuiltError."""

    def __init__(self, module_id: str, path: str, dependencies: list[str] | None = None) -> None:
        raise MediaNotBuiltError("AudioFilter")
