"""Cuts captured audio into blocks of 10 ms and decides when each is played.

A block has a deadline, 10 ms after that of the one before; what was not captured by then is silence. Audio that is
captured in real time is played at once, a little before the deadline, so that it may be late by `SLACK`. The deadlines
move so that this holds: at once where sound follows silence, and in sound slowly, so that they follow the application's
clock.

An event loop that stalled delays the deadlines and the application alike. Afterwards up to `MAX_BURST` blocks catch up
at once, and audio that the application is about to capture is awaited for a moment. After a longer stall the time line
jumps instead if the queue holds enough: the far end has heard a gap anyway, and a burst would only grow its buffer.
"""

from __future__ import annotations

from dataclasses import dataclass

from .block import BLOCK_SECONDS, BLOCKS_PER_SECOND

__all__ = ["BlockQueue", "QueuedBlock"]

SAMPLE_SIZE = 2
SLACK = 0.002
"""Seconds from the capture of the first sound to its deadline."""
EARLY = 0.005
"""Seconds before its deadline from which a block is played when it is captured."""
STEP = 0.000_1
"""Seconds by which the deadline of a block of sound moves at most: 1 %."""
MAX_BURST = 5
"""Blocks that are played at once after a stall; buffers of 50 ms at the far end absorb them."""
MAX_DEBT = 50
"""Blocks that audio captured in real time may catch up with after a stall."""
LATE = 0.0015
"""Seconds by which `tick` is late from which the application counts as stalled too."""
GRACE = 0.005
"""Seconds that the application then has to capture."""
LONG_SILENCE = 600
"""Blocks of silence after which receivers have forgotten how fast packets are: deadlines can be put off unheard."""
ROUNDING = 1e-6
"""Seconds by which a timer may fire early."""


@dataclass(frozen=True, slots=True)
class QueuedBlock:
    """A block that is to be played now."""

    index: int
    """Position on the time line."""
    pcm: bytes


class BlockQueue:
    """The audio that one source has still to play."""

    def __init__(self, sample_rate: int, channels: int, start: float) -> None:
        """Start the time line at `start`."""
        self._rate = sample_rate
        self._frame_size = SAMPLE_SIZE * channels
        self._start = start
        self._pcm = bytearray()
        self._index = 0  # of the next block
        self._deadline = start + BLOCK_SECONDS
        self._grace: float | None = None  # until when a late application is awaited
        self._silence = 1  # blocks since the last sound
        self._captured_at = start
        self.skipped = 0
        """Blocks by which the time line has jumped while audio was queued."""

    @property
    def pending(self) -> float:
        """Seconds of audio that are queued."""
        return len(self._pcm) / self._frame_size / self._rate

    @property
    def next_tick(self) -> float:
        """When `tick` is to be called."""
        return self._deadline if self._grace is None else self._grace

    def clear(self) -> None:
        """Drop the queued audio."""
        self._pcm.clear()

    def push(self, pcm: bytes | memoryview, now: float) -> list[QueuedBlock]:
        """Queue audio, and return the blocks to play at once."""
        self._captured_at = now
        is_awaited = len(self._pcm) < self._size()
        self._pcm += pcm
        if is_awaited and len(self._pcm) >= self._size():
            if self._silence and now > self._deadline:  # the silence has not been played up to now
                self._jump(int((now - self._deadline) * BLOCKS_PER_SECOND) + 1)
            correction = now + SLACK - self._deadline
            self._deadline += correction if self._silence else min(max(correction, -STEP), STEP)
        return self._take(now + EARLY)

    def tick(self, now: float) -> list[QueuedBlock]:
        """Return the blocks to play at `now`; call it at `next_tick`."""
        late = now - self._deadline
        self._skip(late)
        blocks = self._take(now)
        if self._deadline > now + ROUNDING:
            self._grace = None
        elif self._silence or late <= LATE or (self._grace is not None and self._grace <= now + ROUNDING):
            self._grace = None
            blocks += self._fill(now)
        elif self._grace is None:
            self._grace = now + GRACE
        return blocks

    def _skip(self, late: float) -> None:
        """Jump over a stall that would end with too many blocks at once."""
        owed = int(late * BLOCKS_PER_SECOND) + 1
        if owed > MAX_BURST and self.pending >= owed * BLOCK_SECONDS:
            self.skipped += owed - 1
            self._jump(owed - 1)
        elif owed > MAX_DEBT:
            self._jump(owed - MAX_DEBT)

    def _jump(self, blocks: int) -> None:
        self._index += blocks
        self._deadline += blocks * BLOCK_SECONDS

    def _take(self, until: float) -> list[QueuedBlock]:
        """Take the whole blocks with deadlines up to `until` out of the queue."""
        blocks: list[QueuedBlock] = []
        while self._deadline <= until + ROUNDING and len(self._pcm) >= (size := self._size()):
            blocks.append(QueuedBlock(self._index, bytes(memoryview(self._pcm)[:size])))
            del self._pcm[:size]
            self._jump(1)
            self._silence = 0
        return blocks

    def _fill(self, now: float) -> list[QueuedBlock]:
        """Take the rest of the queue, less than a block, and silence."""
        owed = int((now - self._deadline + ROUNDING) * BLOCKS_PER_SECOND) + 1
        if owed > MAX_BURST:
            self._jump(owed - 1)
            owed = 1
        blocks: list[QueuedBlock] = []
        for _ in range(owed):
            size = self._size()
            pcm = bytes(size)
            if self._pcm and (not self._silence or now - self._captured_at > BLOCK_SECONDS):
                pcm = bytes(self._pcm).ljust(size, b"\0")
                self._pcm.clear()
            blocks.append(QueuedBlock(self._index, pcm))
            self._jump(1)
            self._silence += 1
        if self._silence > LONG_SILENCE:
            ahead = self._start + (self._index + 1) * BLOCK_SECONDS - self._deadline  # by what sound has moved it
            self._deadline += int(ahead * BLOCKS_PER_SECOND) * BLOCK_SECONDS
        return blocks

    def _size(self) -> int:
        """Return the bytes of the next block: not all are equal where 10 ms are not a whole number of samples."""
        index, rate = self._index, self._rate
        return ((index + 1) * rate // BLOCKS_PER_SECOND - index * rate // BLOCKS_PER_SECOND) * self._frame_size
