"""Cuts blocks of 10 ms into frames of the size that an application asks for."""

from __future__ import annotations

from .block import BLOCKS_PER_SECOND, AudioBlock
from .frame import SAMPLE_SIZE, AudioFrame

__all__ = ["FrameCutter"]


class FrameCutter:
    """Gathers the blocks of one stream."""

    def __init__(self, frame_ms: int | None) -> None:
        """Give frames of `frame_ms` milliseconds; those of blocks, 10 ms, with None or 10."""
        self._frame_ms = None if frame_ms == 1000 // BLOCKS_PER_SECOND else frame_ms
        self._pcm = bytearray()

    def cut(self, block: AudioBlock) -> list[AudioFrame]:
        """Return the frames that `block` completes."""
        rate, channels = block.sample_rate, block.channels
        if self._frame_ms is None:
            samples = len(block.pcm) // (SAMPLE_SIZE * channels)
            return [AudioFrame(bytearray(block.pcm), rate, channels, samples)]
        self._pcm += block.pcm
        samples = rate * self._frame_ms // 1000
        size = samples * SAMPLE_SIZE * channels
        frames: list[AudioFrame] = []
        while len(self._pcm) >= size:
            frames.append(AudioFrame(self._pcm[:size], rate, channels, samples))
            del self._pcm[:size]
        return frames
