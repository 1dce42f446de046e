"""Sample rate conversion: by libsoxr where the `resample` extra is installed, else by `PolyphaseResampler`."""

from __future__ import annotations

import enum
import functools
import importlib
from array import array
from typing import Any, Protocol

from .frame import SAMPLE_SIZE, AudioFrame
from .polyphase import PolyphaseResampler

__all__ = ["AudioResampler", "AudioResamplerQuality"]


class AudioResamplerQuality(str, enum.Enum):
    """The quality of an `AudioResampler`; higher ones are slower and give their output in larger pieces."""

    QUICK = "quick"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


class AudioResampler:
    """Converts a stream of audio to another sample rate.

    Args:
        input_rate: in Hz.
        output_rate: in Hz.
        num_channels: the number of interleaved channels.
        quality: used by libsoxr only. Without the `resample` extra, a built-in converter of one quality serves all.

    Raises:
        ValueError: a rate, the number of channels or the quality is invalid.
    """

    def __init__(
        self,
        input_rate: int,
        output_rate: int,
        *,
        num_channels: int = 1,
        quality: AudioResamplerQuality = AudioResamplerQuality.MEDIUM,
    ) -> None:
        if min(input_rate, output_rate) < 1:
            raise ValueError(f"sample rates are at least 1 Hz, not {input_rate} and {output_rate}")
        if num_channels < 1:
            raise ValueError(f"num_channels is {num_channels}; there is at least one")
        quality = AudioResamplerQuality(quality)
        self._output_rate = output_rate
        self._num_channels = num_channels
        soxr = _load_soxr()
        self._converter: _Converter = (
            _SoxrConverter(soxr, input_rate, output_rate, num_channels, quality)
            if soxr is not None
            else PolyphaseResampler(input_rate, output_rate, num_channels)
        )

    def push(self, data: bytearray | AudioFrame) -> list[AudioFrame]:
        """Return the output that is ready after more input: one frame, or none.

        Args:
            data: A frame, or 16-bit samples as bytes; a part of a sample at the end is dropped. A frame's own sample
                rate is not looked at.

        Raises:
            ValueError: a frame has another number of channels.
        """
        if isinstance(data, AudioFrame) and data.num_channels != self._num_channels:
            raise ValueError(f"{data!r} has {data.num_channels} channels; this resampler has {self._num_channels}")
        content = data.data.cast("B") if isinstance(data, AudioFrame) else memoryview(data)
        whole = len(content) - len(content) % (SAMPLE_SIZE * self._num_channels)
        if not whole:
            return []
        output = self._converter.process(array("h", content[:whole].tobytes()))
        return [self._frame(output)] if output else []

    def flush(self) -> list[AudioFrame]:
        """Return the rest of the output in one frame, which may be empty. The next `push` starts a new stream."""
        return [self._frame(self._converter.flush())]

    def _frame(self, samples: array[int]) -> AudioFrame:
        return AudioFrame(
            bytearray(samples.tobytes()), self._output_rate, self._num_channels, len(samples) // self._num_channels
        )


class _Converter(Protocol):
    def process(self, samples: array[int], /) -> array[int]: ...

    def flush(self) -> array[int]: ...


_QUALITIES = {
    AudioResamplerQuality.QUICK: (0, "QQ"),
    AudioResamplerQuality.LOW: (1, "LQ"),
    AudioResamplerQuality.MEDIUM: (2, "MQ"),
    AudioResamplerQuality.HIGH: (3, "MQ"),
    AudioResamplerQuality.VERY_HIGH: (4, "HQ"),
}
"""libsoxr's recipes, as the official SDK chooses them, and the nearest that `soxr.ResampleStream` has."""


class _SoxrConverter:
    """A stream of libsoxr. It dithers: two runs may differ by 1 in some samples."""

    def __init__(
        self, soxr: Any, input_rate: int, output_rate: int, channels: int, quality: AudioResamplerQuality
    ) -> None:
        recipe, nearest = _QUALITIES[quality]
        self._channels = channels
        try:  # the class behind ResampleStream, as it is in soxr 1.1, takes all recipes
            library = soxr.soxr_ext
            self._stream = library.CSoxr(input_rate, output_rate, channels, library.SOXR_INT16_I, recipe, False)
            self._resample = self._stream.process_int16
        except (AttributeError, TypeError):
            self._stream = soxr.ResampleStream(input_rate, output_rate, channels, dtype="int16", quality=nearest)
            self._resample = self._stream.resample_chunk

    def process(self, samples: array[int]) -> array[int]:
        return self._process(samples, last=False)

    def flush(self) -> array[int]:
        rest = self._process(array("h"), last=True)
        self._stream.clear()
        return rest

    def _process(self, samples: array[int], *, last: bool) -> array[int]:
        block = importlib.import_module("numpy").frombuffer(samples, dtype="int16").reshape(-1, self._channels)
        return array("h", self._resample(block, last).tobytes())


@functools.cache
def _load_soxr() -> Any | None:
    """Return the `soxr` module, or None if it is not installed."""
    try:
        return importlib.import_module("soxr")
    except ImportError:
        return None
