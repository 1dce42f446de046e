"""Mixing audio streams."""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import AsyncIterator

from livekit._util.aio import start_task
from livekit._util.logs import RateLimitedLog

from .channels import remix
from .frame import SAMPLE_SIZE, AudioFrame
from .samples import mix

__all__ = ["AudioMixer"]

BLOCKS_PER_SECOND = 10
"""With the default block size."""
MAX_STALLED_ROUNDS = 10
"""Successive reads that time out or fail, after which a stream is dropped once `end_input` was called."""
IDLE_INTERVAL = 0.001
"""Seconds between rounds in which no stream has data."""

_log = RateLimitedLog(logging.getLogger(__name__))


class AudioMixer:
    """Mixes streams of frames into one, an async iterator of frames of `blocksize` samples per channel.

    Each block holds what each stream gives; a stream that gives less within the timeout is padded with silence. No
    block is made while no stream has data. Must be created with an event loop running, and closed with `aclose` unless
    it is iterated to its end after `end_input`.

    Args:
        sample_rate: in Hz; streams must have the same, which is not checked.
        num_channels: of the blocks; frames with another number of channels are converted.
        blocksize: samples per channel of a block; 0 means 100 ms.
        stream_timeout_ms: how long to wait for each frame of a stream.
        capacity: the number of blocks that may wait to be iterated; mixing pauses above it. 0 means any number.

    Raises:
        RuntimeError: no event loop is running.
    """

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        *,
        blocksize: int = 0,
        stream_timeout_ms: int = 100,
        capacity: int = 100,
    ) -> None:
        asyncio.get_running_loop()  # raises before anything is made
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._blocksize = blocksize if blocksize > 0 else sample_rate // BLOCKS_PER_SECOND
        self._timeout = stream_timeout_ms / 1000
        self._inputs: dict[AsyncIterator[AudioFrame], _Input] = {}
        self._changed = asyncio.Event()
        self._ending = False
        self._queue: asyncio.Queue[AudioFrame | None] = asyncio.Queue(capacity)
        self._task = start_task(self._run(), name="livekit audio mixer")

    def add_stream(self, stream: AsyncIterator[AudioFrame]) -> None:
        """Mix a stream from now on, until it ends or is removed.

        Raises:
            RuntimeError: `end_input` or `aclose` was called.
        """
        if self._ending:
            raise RuntimeError("Cannot add stream after mixer has been closed")
        if stream not in self._inputs:
            self._inputs[stream] = _Input(stream, self._num_channels, self._timeout)
            self._changed.set()

    def remove_stream(self, stream: AsyncIterator[AudioFrame]) -> None:
        """Mix a stream no more, and cancel the read of it that waits. An unknown stream is ignored."""
        removed = self._inputs.pop(stream, None)
        if removed is not None:
            removed.cancel()

    def __aiter__(self) -> AudioMixer:
        return self

    async def __anext__(self) -> AudioFrame:
        block = await self._queue.get()
        if block is None:
            self._queue.put_nowait(None)  # for others that iterate
            raise StopAsyncIteration
        return block

    async def aclose(self) -> None:
        """End the mixer; blocks that were not iterated are dropped, and iteration ends.

        Waits until the reads of streams, which are cancelled, have ended.
        """
        self._ending = True
        self._task.cancel()
        await asyncio.wait({self._task})
        reads = [read for source in self._inputs.values() if (read := source.cancel()) is not None]
        self._inputs.clear()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)
        await asyncio.gather(*reads, return_exceptions=True)

    def end_input(self) -> None:
        """Add no more streams; the mixer ends when all those it has have ended."""
        self._ending = True
        self._changed.set()

    async def _run(self) -> None:
        while self._inputs or not self._ending:
            if not self._inputs:
                self._changed.clear()
                await self._changed.wait()
                continue
            blocks = await self._collect()
            if not blocks:
                await asyncio.sleep(IDLE_INTERVAL)
                continue
            data = mix(blocks).tobytes()
            await self._queue.put(AudioFrame(data, self._sample_rate, self._num_channels, self._blocksize))
        await self._queue.put(None)

    async def _collect(self) -> list[array[int]]:
        """Return a block of each stream that has data, and remove those that ended."""
        size = self._blocksize * self._num_channels * SAMPLE_SIZE
        sources = list(self._inputs.items())
        await asyncio.gather(*(source.fill(size) for _, source in sources))
        blocks: list[array[int]] = []
        for stream, source in sources:
            if stream not in self._inputs:  # removed meanwhile
                continue
            if source.buffer:
                blocks.append(source.take(size))
            if source.has_ended or (self._ending and source.stalled_rounds >= MAX_STALLED_ROUNDS):
                self.remove_stream(stream)
        return blocks


class _Input:
    """A stream that is mixed, and what was read of it but not mixed yet."""

    def __init__(self, stream: AsyncIterator[AudioFrame], channels: int, timeout: float) -> None:
        self._stream = stream
        self._channels = channels
        self._timeout = timeout
        self._read: asyncio.Future[AudioFrame] | None = None
        """Kept when it times out: to cancel it would end an async generator."""
        self._is_exhausted = False
        self.buffer = bytearray()
        self.stalled_rounds = 0
        """Successive rounds in which a read timed out or failed."""

    @property
    def has_ended(self) -> bool:
        """True once all frames of the stream have been taken."""
        return self._is_exhausted and not self.buffer

    async def fill(self, size: int) -> None:
        """Read until `size` bytes are there, the stream ends or fails, or a frame takes longer than the timeout."""
        while len(self.buffer) < size and not self._is_exhausted:
            try:
                frame = await self._next_frame()
            except StopAsyncIteration:
                self._is_exhausted = True
            except (asyncio.TimeoutError, TimeoutError):
                self._stall("AudioMixer: stream %s timeout, ignoring", self._stream)
                return
            except Exception as error:
                self._stall("AudioMixer: stream %s failed, ignoring: %r", self._stream, error)
                return
            else:
                if frame is None:
                    return
                self.stalled_rounds = 0
                self.buffer += self._samples(frame)

    def take(self, size: int) -> array[int]:
        """Remove and return `size` bytes of samples, padded with silence."""
        block = array("h", self.buffer[:size].ljust(size, b"\0"))
        del self.buffer[:size]
        return block

    def cancel(self) -> asyncio.Future[AudioFrame] | None:
        """Cancel the read that waits, and return it."""
        read, self._read = self._read, None
        if read is not None:
            read.cancel()
            read.add_done_callback(_consume_outcome)
        return read

    async def _next_frame(self) -> AudioFrame | None:
        """Return the next frame; None if the read was cancelled, because the stream was removed."""
        if self._read is None:
            self._read = start_task(_next(self._stream), name="livekit audio mixer input")
        read = self._read
        done, _ = await asyncio.wait({read}, timeout=self._timeout)
        if not done:
            raise TimeoutError
        if self._read is read:
            self._read = None
        return None if read.cancelled() else read.result()

    def _samples(self, frame: AudioFrame) -> bytes | memoryview:
        if frame.num_channels == self._channels:
            return frame.data.cast("B")
        return remix(array("h", frame.data.tobytes()), frame.num_channels, self._channels).tobytes()

    def _stall(self, message: str, *arguments: object) -> None:
        self.stalled_rounds += 1
        _log.warn((id(self), message), message, *arguments)


def _consume_outcome(read: asyncio.Future[AudioFrame]) -> None:
    if not read.cancelled():
        read.exception()  # mark a failed read as handled


async def _next(stream: AsyncIterator[AudioFrame]) -> AudioFrame:
    return await stream.__anext__()
