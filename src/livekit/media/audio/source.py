"""Audio from the application."""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import TYPE_CHECKING

from livekit._event_loop import check_loop
from livekit.errors import AudioCaptureError

from .block import BLOCK_SECONDS, BLOCKS_PER_SECOND, AudioBlock, AudioSink
from .block_queue import BlockQueue, QueuedBlock

if TYPE_CHECKING:
    from .frame import AudioFrame

__all__ = ["AudioSource"]

logger = logging.getLogger("livekit")

MAX_DIRECT_PAUSE = 10
"""Blocks of time between two frames of a source without a queue, from which its time line jumps."""


class AudioSource:
    """Audio that the application captures, played at its pace: 10 ms each 10 ms, silence where nothing was captured.

    It plays from its creation on, whether a track of it is published or not.
    """

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        queue_size_ms: int = 1000,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Create a source.

        Args:
            sample_rate: in Hz.
            num_channels: 1 or 2.
            queue_size_ms: audio that may be queued before `capture_frame` waits, a multiple of 10 ms. With 0 there is
                no queue and no clock: frames must be 10 ms long and are sent when they are captured.
            loop: the event loop to use; the current one by default.

        Raises:
            ValueError: An argument is out of its range.
        """
        if sample_rate < BLOCKS_PER_SECOND or num_channels not in (1, 2):
            raise ValueError(
                f"an AudioSource has a sample rate of at least {BLOCKS_PER_SECOND} Hz and 1 or 2 channels, "
                f"not {sample_rate} Hz and {num_channels}"
            )
        if queue_size_ms < 0 or queue_size_ms % 10:
            raise ValueError(f"queue_size_ms must be a multiple of 10 and not negative, not {queue_size_ms}")
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._queue_size = queue_size_ms / 1000
        self._loop = loop or asyncio.get_event_loop()
        self._sinks: list[AudioSink] = []
        self._closed = False
        self._capture: asyncio.Future[None] | None = None  # of capture_frame while it waits
        self._played_at = 0.0  # when all that was captured is played
        self._playout: asyncio.Future[None] | None = None
        self._playout_timer: asyncio.TimerHandle | None = None
        self._direct_index = 0  # of the last frame of a source without a queue
        self._captured_at = self._loop.time()
        self._queue = BlockQueue(sample_rate, num_channels, self._captured_at)
        self._timer: asyncio.TimerHandle | None = None
        if self._queue_size:
            self._timer = _call_tick(self._loop, self._queue.next_tick, weakref.ref(self))

    @property
    def sample_rate(self) -> int:
        """The sample rate in Hz."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        """The number of channels."""
        return self._num_channels

    @property
    def queued_duration(self) -> float:
        """Seconds of captured audio that are still to be played."""
        return max(self._played_at - self._loop.time(), 0.0)

    def clear_queue(self) -> None:
        """Drop the audio that is still to be played. `capture_frame` and `wait_for_playout` return."""
        self._queue.clear()
        self._release_capture()
        self._release_playout()

    async def capture_frame(self, frame: AudioFrame) -> None:
        """Queue a copy of a frame, of any length, and wait while more than the queue's size is queued.

        After cancellation the frame stays queued. Does nothing after `aclose`.

        Raises:
            AudioCaptureError: The frame has another sample rate or channel count, another task waits in
                `capture_frame`, or the source has no queue and the frame is not 10 ms long.
            EventLoopError: Called on another event loop.
        """
        check_loop(self._loop)
        if not frame.samples_per_channel or self._closed:
            return
        if (frame.sample_rate, frame.num_channels) != (self._sample_rate, self._num_channels):
            raise AudioCaptureError(
                f"sample_rate and num_channels don't match: the frame has {frame.sample_rate} Hz and "
                f"{frame.num_channels}, the source {self._sample_rate} Hz and {self._num_channels}"
            )
        if self._capture is not None:
            raise AudioCaptureError("failed to capture frame: another task waits in capture_frame on this source")
        now = self._loop.time()
        samples = frame.data[: frame.samples_per_channel * frame.num_channels]
        if not self._queue_size:
            self._capture_directly(samples.tobytes(), frame.samples_per_channel, now)
        else:
            self._play(self._queue.push(samples.cast("B"), now))
        self._expect_playout(now, frame.duration)
        if self._queue_size and self._queue.pending > self._queue_size:
            capture = self._capture = self._loop.create_future()
            try:
                await capture
            finally:
                if self._capture is capture:
                    self._capture = None

    def _capture_directly(self, pcm: bytes, samples: int, now: float) -> None:
        expected = self._sample_rate // BLOCKS_PER_SECOND
        if samples != expected:
            raise AudioCaptureError(f"direct capture requires 10ms frames: got {samples} frames, expected {expected}")
        since = int((now - self._captured_at) * BLOCKS_PER_SECOND)
        self._captured_at = now
        self._direct_index += since if since > MAX_DIRECT_PAUSE else 1
        self._play([QueuedBlock(self._direct_index, pcm)])

    async def wait_for_playout(self) -> None:
        """Wait until all that was captured is played, or `clear_queue`; return at once if nothing is queued.

        Raises:
            EventLoopError: Called on another event loop.
        """
        check_loop(self._loop)
        if self._playout is not None:
            await asyncio.shield(self._playout)

    async def aclose(self) -> None:
        """Stop: nothing is played any more, and waiting calls return. May be called again."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.clear_queue()

    def add_sink(self, sink: AudioSink) -> None:
        """Call `sink` with each block of 10 ms from now on, silence included."""
        self._sinks = [*self._sinks, sink]

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        self._sinks = [kept for kept in self._sinks if kept != sink]

    # Clock

    def _tick(self) -> None:
        """Play what is due."""
        now = self._loop.time()
        skipped = self._queue.skipped
        self._play(self._queue.tick(now))
        if self._queue.skipped != skipped:
            self._expect_playout(now, (self._queue.skipped - skipped) * BLOCK_SECONDS)
        if self._capture is not None and self._queue.pending <= self._queue_size:
            self._release_capture()
        if not self._closed:  # by a sink
            self._timer = _call_tick(self._loop, self._queue.next_tick, weakref.ref(self))

    def _play(self, blocks: list[QueuedBlock]) -> None:
        for queued in blocks:
            block = AudioBlock(queued.pcm, self._sample_rate, self._num_channels, queued.index)
            for sink in self._sinks:
                try:
                    sink(block)
                except Exception:
                    logger.exception("a sink of an AudioSource failed")

    # Waiting

    def _expect_playout(self, now: float, duration: float) -> None:
        """Let `wait_for_playout` wait `duration` seconds longer."""
        self._played_at = max(self._played_at, now) + duration
        if self._playout is None:
            self._playout = self._loop.create_future()
        if self._playout_timer is None:
            self._playout_timer = self._loop.call_at(self._played_at, self._check_playout)

    def _check_playout(self) -> None:
        self._playout_timer = None
        if self._loop.time() < self._played_at - BLOCK_SECONDS / 100:
            self._playout_timer = self._loop.call_at(self._played_at, self._check_playout)
        else:
            self._release_playout()

    def _release_playout(self) -> None:
        self._played_at = 0.0
        if self._playout_timer is not None:
            self._playout_timer.cancel()
            self._playout_timer = None
        if self._playout is not None:
            if not self._playout.done():
                self._playout.set_result(None)
            self._playout = None

    def _release_capture(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None and not capture.done():
            capture.set_result(None)


def _call_tick(
    loop: asyncio.AbstractEventLoop, when: float, reference: weakref.ref[AudioSource]
) -> asyncio.TimerHandle:
    """Call `_tick` of a source, which the timer does not keep alive."""
    return loop.call_at(when, _tick, reference)


def _tick(reference: weakref.ref[AudioSource]) -> None:
    source = reference()
    if source is not None:
        source._tick()
