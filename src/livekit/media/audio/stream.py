"""Audio of a track, frame by frame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    import asyncio

    from livekit.enums import TrackSource
    from livekit.media.frame_processor import FrameProcessor
    from livekit.media.tracks import Track
    from livekit.participant import Participant

    from .frame import AudioFrame, AudioFrameEvent


@dataclass
class NoiseCancellationOptions:
    """A noise cancellation filter and its options."""

    module_id: str
    options: dict[str, Any]


class AudioStream:
    """The audio frames of a track. Raises MediaNotBuiltError."""

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
