"""Recording from an input device."""

from __future__ import annotations

import asyncio
import logging
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit._util.aio import start_task

from .audio.frame import SAMPLE_SIZE, AudioFrame
from .portaudio import load_sounddevice

if TYPE_CHECKING:
    from .audio.processing import AudioProcessingModule
    from .audio.source import AudioSource
    from .portaudio import DelayEstimator

__all__ = ["InputCapture", "open_input"]

FRAMES_PER_SECOND = 100
"""WebRTC processes 10 ms at a time."""
MAX_DELAY = 500
"""Milliseconds, WebRTC's limit for the delay of an echo."""

logger = logging.getLogger(__name__)


@dataclass
class InputCapture:
    """An open input device, whose audio goes to an `AudioSource`.

    Attributes:
        source: Gets the recorded audio, and can be published.
        input_stream: The stream of sounddevice.
        task: Moves the audio to the source.
        apm: Processes the audio; None if no processing was asked for.
        delay_estimator: The delay of the output device, for the echo cancellation.
    """

    source: AudioSource
    input_stream: Any
    task: asyncio.Task[None]
    apm: AudioProcessingModule | None
    delay_estimator: DelayEstimator | None

    async def aclose(self) -> None:
        """Stop recording and close the device. The source stays open."""
        self.stop()
        await asyncio.wait({self.task})

    def stop(self) -> None:
        """Close the device, without waiting for the task to end."""
        self.task.cancel()
        try:
            self.input_stream.stop()
            self.input_stream.close()
        except Exception:
            logger.warning("The input device could not be closed", exc_info=True)


def open_input(
    source: AudioSource,
    loop: asyncio.AbstractEventLoop,
    *,
    apm: AudioProcessingModule | None = None,
    delay_estimator: DelayEstimator | None = None,
    device: int | None = None,
    blocksize: int = 0,
    capacity: int = 50,
    channel: int | None = None,
) -> InputCapture:
    """Record from a device into `source`, with its sample rate and channels.

    Args:
        source: Gets the audio.
        loop: The event loop of the source.
        apm: Processes the audio.
        delay_estimator: The delay of the output device.
        device: The device's index; None for the default.
        blocksize: samples per channel that the device gives at a time; 0 lets PortAudio choose.
        capacity: how many frames of 10 ms may wait for the source; newer ones are dropped.
        channel: the device's only channel that is recorded, into a source of one; None for its first ones.
    """
    recorder = _Recorder(source, loop, apm, delay_estimator, capacity, channel)
    stream = load_sounddevice().InputStream(
        callback=recorder.callback,
        dtype="int16",
        channels=source.num_channels if channel is None else channel + 1,
        device=device,
        samplerate=source.sample_rate,
        blocksize=blocksize,
    )
    stream.start()
    return InputCapture(source, stream, start_task(recorder.pump(), name="livekit microphone"), apm, delay_estimator)


class _Recorder:
    """Cuts the blocks of a device into frames of 10 ms, and queues them for a source."""

    def __init__(
        self,
        source: AudioSource,
        loop: asyncio.AbstractEventLoop,
        apm: AudioProcessingModule | None,
        delay_estimator: DelayEstimator | None,
        capacity: int,
        channel: int | None,
    ) -> None:
        self._source = source
        self._loop = loop
        self._apm = apm
        self._delay_estimator = delay_estimator
        self._capacity = capacity
        self._channel = channel
        self._queue: asyncio.Queue[AudioFrame] = asyncio.Queue()
        self._rest = b""

    def callback(self, indata: Any, frame_count: int, time_info: Any, status: Any) -> None:
        """Take a block of the device; called by PortAudio's thread."""
        self._set_delay(time_info)
        rate, channels = self._source.sample_rate, self._source.num_channels
        samples = rate // FRAMES_PER_SECOND
        size = samples * channels * SAMPLE_SIZE
        content = self._rest + self._selected(bytes(indata))
        whole = len(content) - len(content) % size
        self._rest = content[whole:]
        for start in range(0, whole, size):
            frame = AudioFrame(bytearray(content[start : start + size]), rate, channels, samples)
            if self._apm is not None:
                self._apm.process_stream(frame)
            try:
                self._loop.call_soon_threadsafe(self._put, frame)
            except RuntimeError:  # the event loop is closed
                return

    async def pump(self) -> None:
        """Capture the frames that are queued, until cancelled."""
        while True:
            frame = await self._queue.get()
            try:
                await self._source.capture_frame(frame)
            except Exception:
                logger.warning("A recorded frame could not be captured", exc_info=True)

    def _put(self, frame: AudioFrame) -> None:
        if self._queue.qsize() < self._capacity:
            self._queue.put_nowait(frame)

    def _selected(self, content: bytes) -> bytes:
        channel = self._channel
        return content if channel is None else array("h", content)[channel :: channel + 1].tobytes()

    def _set_delay(self, time_info: Any) -> None:
        if self._apm is None or self._delay_estimator is None:
            return
        recorded_ago = float(time_info.currentTime - time_info.inputBufferAdcTime)
        delay = int(1000 * (recorded_ago + self._delay_estimator.get_output_delay()))
        self._apm.set_stream_delay_ms(min(max(delay, 0), MAX_DELAY))
