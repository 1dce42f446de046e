"""Gives a local track's audio to streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .block import AudioBlock, AudioSink
from .block_converter import BlockConverter, check_format

if TYPE_CHECKING:
    from .source import AudioSource

__all__ = ["SourceFeed"]


class SourceFeed:
    """Converts a source's blocks for each sink; satisfies `livekit.media.audio.block.AudioFeed`."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._sinks: dict[AudioSink, AudioSink] = {}  # what the source calls, by what is called in the end

    def add_sink(self, sample_rate: int, channels: int, sink: AudioSink) -> None:
        """Call `sink` with each block of the source, converted to this sample rate in Hz and 1 or 2 channels.

        Raises:
            ValueError: The rate or the channel count is not possible.
        """
        check_format(sample_rate, channels)
        converter = BlockConverter(sample_rate, channels)

        def convert(block: AudioBlock) -> None:
            for converted in converter.convert(block):
                sink(converted)

        self.remove_sink(sink)
        self._sinks[sink] = convert
        self._source.add_sink(convert)

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        convert = self._sinks.pop(sink, None)
        if convert is not None:
            self._source.remove_sink(convert)
