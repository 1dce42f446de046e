"""Plays received audio in one format, to any number of sinks."""

from __future__ import annotations

import logging

from livekit.media.codecs.opus import SAMPLE_RATES, OpusDecoder
from livekit.media.codecs.opus_packet import CLOCK_RATE

from .block import AudioBlock, AudioSink
from .block_converter import BlockConverter, check_format
from .jitter_buffer import JitterBuffer

__all__ = ["Playout"]

logger = logging.getLogger("livekit")


class Playout:
    """A jitter buffer with its decoder and sinks. libopus gives most formats by itself, a resampler the others."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        """Play at `sample_rate` in Hz with 1 or 2 channels.

        Raises:
            ValueError: The format is not possible.
            OpusNotFoundError: There is no libopus.
        """
        check_format(sample_rate, channels)
        self.sinks: list[AudioSink] = []
        self.sample_rate = sample_rate if sample_rate in SAMPLE_RATES else CLOCK_RATE
        """Hz that the decoder gives."""
        self._channels = channels
        self._converter = None if self.sample_rate == sample_rate else BlockConverter(sample_rate, channels)
        self.buffer = JitterBuffer(OpusDecoder(self.sample_rate, channels))

    def play(self, index: int, time: float) -> bytes:
        """Give the next 10 ms, block `index`, to the sinks at `time`. Return the samples."""
        block = AudioBlock(self.buffer.pull(time), self.sample_rate, self._channels, index)
        for converted in (block,) if self._converter is None else self._converter.convert(block):
            for sink in tuple(self.sinks):
                try:
                    sink(converted)
                except Exception:
                    logger.exception("a sink of received audio failed")
        return block.pcm
