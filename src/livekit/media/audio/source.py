"""Audio from the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    import asyncio

    from .block import AudioSink
    from .frame import AudioFrame


class AudioSource:
    """Audio from the application. Raises MediaNotBuiltError."""

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

    def add_sink(self, sink: AudioSink) -> None:
        """Call `sink` with each block of 10 ms from now on, silence included."""
        raise MediaNotBuiltError

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        raise MediaNotBuiltError

    async def aclose(self) -> None:
        raise MediaNotBuiltError
