"""Converts blocks of 10 ms to another sample rate and number of channels."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .block import BLOCKS_PER_SECOND, AudioBlock
from .channels import remix

if TYPE_CHECKING:
    from .resampler import AudioResampler

__all__ = ["BlockConverter", "check_format"]

SAMPLE_SIZE = 2


def check_format(sample_rate: int, channels: int) -> None:
    """Check a format that blocks are asked for in. Raises ValueError."""
    if sample_rate < BLOCKS_PER_SECOND or channels not in (1, 2):
        raise ValueError(
            f"audio has a sample rate of at least {BLOCKS_PER_SECOND} Hz and 1 or 2 channels, "
            f"not {sample_rate} Hz and {channels}"
        )


class BlockConverter:
    """Converts one stream of blocks. The resampler loads with the first block of another rate."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        """Convert to `sample_rate` in Hz and 1 or 2 `channels`."""
        self._rate = sample_rate
        self._channels = channels
        self._resampler: AudioResampler | None = None
        self._input_rate = 0
        self._pcm = bytearray()
        self._next = 0

    def convert(self, block: AudioBlock) -> Sequence[AudioBlock]:
        """Return the blocks that are ready after `block`: one, except where a resampler gives its output unevenly."""
        if block.sample_rate == self._rate and block.channels == self._channels:
            return (block,)
        pcm = block.pcm
        if block.channels != self._channels:
            pcm = remix(array("h", pcm), block.channels, self._channels).tobytes()
        if block.sample_rate == self._rate:
            return (AudioBlock(pcm, self._rate, self._channels, block.index),)
        return self._resample(pcm, block)

    def _resample(self, pcm: bytes, block: AudioBlock) -> list[AudioBlock]:
        if self._resampler is None or block.sample_rate != self._input_rate:
            from .resampler import AudioResampler, AudioResamplerQuality

            self._resampler = AudioResampler(
                block.sample_rate,
                self._rate,
                num_channels=self._channels,
                quality=AudioResamplerQuality.LOW,  # gives its output each 10 or 20 ms, the default each 30 to 40 ms
            )
            self._input_rate, self._next = block.sample_rate, block.index
        for frame in self._resampler.push(bytearray(pcm)):
            self._pcm += frame.data.cast("B")
        self._next = max(self._next, block.index - len(self._pcm) // self._size(self._next))
        blocks: list[AudioBlock] = []
        while len(self._pcm) >= (size := self._size(self._next)):
            blocks.append(AudioBlock(bytes(self._pcm[:size]), self._rate, self._channels, self._next))
            del self._pcm[:size]
            self._next += 1
        return blocks

    def _size(self, index: int) -> int:
        samples = (index + 1) * self._rate // BLOCKS_PER_SECOND - index * self._rate // BLOCKS_PER_SECOND
        return samples * SAMPLE_SIZE * self._channels
