"""Audio processing by WebRTC's module (the `apm` extra): echo cancellation, noise suppression, gain control."""

from __future__ import annotations

import functools
import importlib
import logging
import threading
from array import array
from collections import deque
from typing import Any

from .channels import remix
from .frame import SAMPLE_SIZE, AudioFrame
from .polyphase import PolyphaseResampler

__all__ = ["AudioFilter", "AudioProcessingModule"]

BLOCKS_PER_SECOND = 100
"""WebRTC processes 10 ms at a time."""
MAX_DELAY = 500
"""Milliseconds, WebRTC's limit."""
MAX_PLAYED = 0.5
"""Seconds of played audio that wait for recorded audio to be compared with; older audio is dropped."""

logger = logging.getLogger(__name__)


class AudioProcessingModule:
    """Cancels echo, suppresses noise, filters low frequencies and controls the gain of recorded audio.

    Without the `apm` extra, frames pass unchanged and a warning is logged once. The two streams may be
    processed by different threads.

    Args:
        echo_cancellation: Cancel what `process_reverse_stream` is given. Filters low frequencies too.
        noise_suppression: Suppress stationary noise.
        high_pass_filter: Filter low frequencies.
        auto_gain_control: Adapt the gain to speech (WebRTC's AGC2).
    """

    def __init__(
        self,
        *,
        echo_cancellation: bool = False,
        noise_suppression: bool = False,
        high_pass_filter: bool = False,
        auto_gain_control: bool = False,
    ) -> None:
        self._features = {
            "echo_cancellation": echo_cancellation,
            "noise_suppression": noise_suppression,
            "high_pass_filter": high_pass_filter,
            "auto_gain_control": auto_gain_control,
        }
        self._library: Any = _load_library() if any(self._features.values()) else None
        self._processor: Any = None
        self._format = (0, 0)
        self._delay = 0
        self._played = _PlayedAudio()

    def process_stream(self, data: AudioFrame) -> None:
        """Process a recorded frame in place. Frames of immutable bytes get new data.

        Args:
            data: A multiple of 10 ms.

        Raises:
            ValueError: The frame is not a multiple of 10 ms.
        """
        _check_length(data)
        if self._library is None:
            return
        numpy = importlib.import_module("numpy")
        self._prepare(data.sample_rate, data.num_channels)
        recorded = numpy.frombuffer(data.data, dtype=numpy.int16)
        arguments = [recorded]
        if self._features["echo_cancellation"]:
            played = self._played.take(len(recorded), data.sample_rate, data.num_channels)
            arguments.append(numpy.frombuffer(played, dtype=numpy.int16))
        processed = self._processor.process(*arguments)
        _overwrite(data, processed.tobytes())

    def process_reverse_stream(self, data: AudioFrame) -> None:
        """Take a frame that is played, so that its echo can be cancelled. The frame is not modified.

        Args:
            data: A multiple of 10 ms, played next after the frame of the last call.

        Raises:
            ValueError: The frame is not a multiple of 10 ms.
        """
        _check_length(data)
        if self._library is not None and self._features["echo_cancellation"]:
            self._played.append(data)

    def set_stream_delay_ms(self, delay_ms: int) -> None:
        """Set the delay from `process_reverse_stream` to `process_stream` of a sound, in milliseconds.

        Raises:
            RuntimeError: `delay_ms` is not within 0 to 500.
        """
        if not 0 <= delay_ms <= MAX_DELAY:
            raise RuntimeError(f"Failed to set stream delay: {delay_ms} ms is not within 0 to {MAX_DELAY} ms")
        self._delay = delay_ms
        if self._processor is not None:
            self._processor.stream_delay_ms = delay_ms

    def _prepare(self, sample_rate: int, channels: int) -> None:
        """Create a processor for this format, unless the current one is for it."""
        if self._format == (sample_rate, channels):
            return
        self._format = (sample_rate, channels)
        library: Any = self._library
        self._processor = library.AudioProcessor(
            sample_rate=sample_rate, num_channels=channels, stream_delay_ms=self._delay, **self._features
        )


class _PlayedAudio:
    """Played audio that waits for the recorded audio it is compared with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames: deque[AudioFrame] = deque()
        self._waiting = 0.0
        self._converter: PolyphaseResampler | None = None
        self._conversion = (0, 0, 0)
        self._samples = array("h")

    def append(self, frame: AudioFrame) -> None:
        """Keep a copy of a frame until it is taken, or much newer ones wait."""
        copy = AudioFrame(bytes(frame.data), frame.sample_rate, frame.num_channels, frame.samples_per_channel)
        with self._lock:
            self._frames.append(copy)
            self._waiting += copy.duration
            while self._waiting > MAX_PLAYED and len(self._frames) > 1:
                self._waiting -= self._frames.popleft().duration

    def take(self, count: int, sample_rate: int, channels: int) -> array[int]:
        """Remove and return `count` samples in the format of the recorded audio, padded with silence."""
        while len(self._samples) < count and (frame := self._pop()) is not None:
            self._samples += self._convert(frame, sample_rate, channels)
        taken = self._samples[:count]
        del self._samples[:count]
        return taken + array("h", bytes(SAMPLE_SIZE * (count - len(taken))))

    def _pop(self) -> AudioFrame | None:
        with self._lock:
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._waiting -= frame.duration
            return frame

    def _convert(self, frame: AudioFrame, sample_rate: int, channels: int) -> array[int]:
        conversion = (frame.sample_rate, sample_rate, channels)
        if self._converter is None or conversion != self._conversion:
            self._conversion = conversion
            self._converter = PolyphaseResampler(*conversion, delayed=True)
        return self._converter.process(remix(array("h", frame.data.tobytes()), frame.num_channels, channels))


def _check_length(frame: AudioFrame) -> None:
    block = frame.sample_rate // BLOCKS_PER_SECOND * frame.num_channels
    if not frame.data or len(frame.data) % block:
        raise ValueError(f"{frame!r} is not a multiple of 10 ms, which WebRTC processes at a time ({block} samples)")


def _overwrite(frame: AudioFrame, content: bytes) -> None:
    data = frame._data
    if isinstance(data, bytes) or (isinstance(data, memoryview) and data.readonly):
        frame._data = bytearray(content)
    else:
        data[:] = content


@functools.cache
def _load_library() -> Any | None:
    """Return the module of the `apm` extra; warn and return None if it is not installed."""
    try:
        return importlib.import_module("pywebrtc_audio")
    except ImportError:
        logger.warning(
            "AudioProcessingModule passes audio unprocessed: install the extra with `pip install 'livekit-pure[apm]'`"
        )
        return None


class AudioFilter:
    """An audio filter in a native library, which only the official SDK can load. Raises RuntimeError.

    Pass an `AudioStream` a `FrameProcessor` instead.
    """

    def __init__(self, module_id: str, path: str, dependencies: list[str] | None = None) -> None:
        raise RuntimeError(
            f"failed to initialize audio filter #{module_id}: native filters need the official SDK; "
            "to process frames in Python, pass AudioStream a FrameProcessor as noise_cancellation"
        )
