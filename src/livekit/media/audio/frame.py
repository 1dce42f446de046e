"""PCM audio frames."""

from __future__ import annotations

import io
import wave
from array import array
from dataclasses import dataclass
from typing import Any

from livekit.media.buffers import contiguous_bytes
from livekit.media.pydantic import frame_schema

from .channels import remix
from .polyphase import PolyphaseResampler

SAMPLE_SIZE = 2
"""Bytes of a sample: a signed 16-bit integer."""


class AudioFrame:
    """PCM audio: signed 16-bit samples, channels interleaved.

    Args:
        data: at least ``num_channels * samples_per_channel * 2`` bytes.
        sample_rate: in Hz.

    Raises:
        TypeError: `data` is not bytes, a bytearray or a contiguous memoryview.
        ValueError: `data` is too short, or not a whole number of samples.
    """

    def __init__(
        self,
        data: bytes | bytearray | memoryview,
        sample_rate: int,
        num_channels: int,
        samples_per_channel: int,
        *,
        userdata: dict[str, Any] | None = None,
    ) -> None:
        data = contiguous_bytes(data.cast("B") if isinstance(data, memoryview) else data)
        needed = num_channels * samples_per_channel * SAMPLE_SIZE
        if len(data) < needed:
            raise ValueError(
                "data length must be >= num_channels * samples_per_channel * sizeof(int16): "
                f"{num_channels} x {samples_per_channel} samples need {needed} bytes, not {len(data)}"
            )
        if len(data) % SAMPLE_SIZE:
            raise ValueError(f"data length must be a multiple of sizeof(int16), which {len(data)} bytes are not")
        self._data = data
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._samples_per_channel = samples_per_channel
        self._userdata = {} if userdata is None else userdata

    @staticmethod
    def create(sample_rate: int, num_channels: int, samples_per_channel: int) -> AudioFrame:
        """Return a writable frame of silence."""
        silence = bytearray(num_channels * samples_per_channel * SAMPLE_SIZE)
        return AudioFrame(silence, sample_rate, num_channels, samples_per_channel)

    @property
    def userdata(self) -> dict[str, Any]:
        """Application data attached to the frame."""
        return self._userdata

    @property
    def data(self) -> memoryview:
        """The samples as 16-bit integers."""
        return memoryview(self._data).cast("B").cast("h")

    @property
    def sample_rate(self) -> int:
        """The sample rate in Hz."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        """The number of interleaved channels."""
        return self._num_channels

    @property
    def samples_per_channel(self) -> int:
        """The number of samples in each channel."""
        return self._samples_per_channel

    @property
    def duration(self) -> float:
        """The duration in seconds."""
        return self.samples_per_channel / self.sample_rate

    def remix_and_resample(self, sample_rate: int, num_channels: int) -> AudioFrame:
        """Return this frame with another sample rate and number of channels (`livekit.media.audio.channels.remix`).

        The frame is converted by itself, as if silence were around it. Use an `AudioResampler` for streams.

        Raises:
            ValueError: the rate is not positive, or these numbers of channels cannot be mixed.
        """
        if sample_rate < 1 or num_channels < 1:
            raise ValueError(f"{sample_rate} Hz with {num_channels} channels: both are at least 1")
        samples = array("h", self.data[: self.num_channels * self.samples_per_channel].tobytes())
        if num_channels <= self.num_channels:
            samples = remix(samples, self.num_channels, num_channels)
        converter = PolyphaseResampler(self.sample_rate, sample_rate, min(num_channels, self.num_channels))
        samples = converter.process(samples) + converter.flush()
        if num_channels > self.num_channels:
            samples = remix(samples, self.num_channels, num_channels)
        return AudioFrame(bytearray(samples.tobytes()), sample_rate, num_channels, len(samples) // num_channels)

    def to_wav_bytes(self) -> bytes:
        """Return the frame as a WAV file."""
        with io.BytesIO() as file:
            with wave.open(file, "wb") as writer:
                writer.setnchannels(self.num_channels)
                writer.setsampwidth(SAMPLE_SIZE)
                writer.setframerate(self.sample_rate)
                writer.writeframes(self._data)
            return file.getvalue()

    def __repr__(self) -> str:
        return (
            f"rtc.AudioFrame(sample_rate={self.sample_rate}, num_channels={self.num_channels}, "
            f"samples_per_channel={self.samples_per_channel}, duration={self.duration:.3f})"
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        return frame_schema(cls, ("data", "sample_rate", "num_channels", "samples_per_channel"))


def combine_audio_frames(buffer: AudioFrame | list[AudioFrame]) -> AudioFrame:
    """Concatenate frames.

    A single frame is returned as it is.

    Raises:
        ValueError: there are no frames, or their sample rates or channel counts differ.
    """
    if not isinstance(buffer, list):
        return buffer
    if not buffer:
        raise ValueError("buffer is empty")
    first = buffer[0]
    for frame in buffer:
        if frame.sample_rate != first.sample_rate:
            raise ValueError(f"Sample rate mismatch: expected {first.sample_rate}, got {frame.sample_rate}")
        if frame.num_channels != first.num_channels:
            raise ValueError(f"Channel count mismatch: expected {first.num_channels}, got {frame.num_channels}")
    data = bytearray().join([frame.data.cast("B") for frame in buffer])
    samples = sum(frame.samples_per_channel for frame in buffer)
    return AudioFrame(data, first.sample_rate, first.num_channels, samples)


@dataclass
class AudioFrameEvent:
    """An item of an `AudioStream`."""

    frame: AudioFrame
