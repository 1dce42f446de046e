"""Gives a local track's audio to streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .block import AudioSink

if TYPE_CHECKING:
    from .source import AudioSource

__all__ = ["SourceFeed"]


class SourceFeed:
    """Converts a source's blocks for each sink; satisfies `livekit.media.audio.block.AudioFeed`."""

    def __init__(self, source: AudioSource) -> None:
        raise NotImplementedError

    def add_sink(self, sample_rate: int, channels: int, sink: AudioSink) -> None:
        """Call `sink` with each block of the source, converted to this sample rate in Hz and 1 or 2 channels.

        Raises:
            ValueError: The rate or the channel count is not possible.
        """
        raise NotImplementedError

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        raise NotImplementedError
