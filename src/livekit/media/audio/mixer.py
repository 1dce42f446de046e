"""Mixing audio streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    from .frame import AudioFrame


class AudioMixer:
    """Mixes several streams into one. Raises MediaNotBuiltError."""

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
