"""PCM audio frames."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import Any

from livekit.media.buffers import contiguous_bytes
from livekit.media.pydantic import frame_schema

SAMPLE_SIZE = 2
"""Bytes of a sample: a signed 16-bit integer."""


class AudioFrame:
    """Audio as signed 16-bit integers, the channels interleaved.

    Args:
        data: at least ``num_channels * samples_per_channel * 2`` bytes.
        sample_rate: Hz.

    Raises:
        ValueError: `data` is too short, or not whole samples.
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
        data = contiguous_bytes(data)
        needed = num_channels * samples_per_channel * SAMPLE_SIZE
        if len(data) < needed:
            raise ValueError(
                f"data has {len(data)} bytes; {num_channels} x {samples_per_channel} samples need {needed}"
            )
        if len(data) % SAMPLE_SIZE:
            raise ValueError(f"data has {len(data)} bytes, which is no whole number of 16-bit samples")
        self._data = data
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._samples_per_channel = samples_per_channel
        self._userdata = {} if userdata is None else userdata

    @staticmethod
    def create(sample_rate: int, num_channels: int, samples_per_channel: int) -> AudioFrame:
        """A frame of silence, to be written to."""
        silence = bytearray(num_channels * samples_per_channel * SAMPLE_SIZE)
        return AudioFrame(silence, sample_rate, num_channels, samples_per_channel)

    @property
    def userdata(self) -> dict[str, Any]:
        """What the application keeps with the frame."""
        return self._userdata

    @property
    def data(self) -> memoryview:
        """The samples, as 16-bit integers."""
        return memoryview(self._data).cast("B").cast("h")

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        return self._num_channels

    @property
    def samples_per_channel(self) -> int:
        return self._samples_per_channel

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples_per_channel / self.sample_rate

    def to_wav_bytes(self) -> bytes:
        """The frame as a WAV file."""
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
    """One frame with the samples of all, in order.

    Raises:
        ValueError: no frames, or frames of different rates or numbers of channels.
    """
    if not isinstance(buffer, list):
        return buffer
    if not buffer:
        raise ValueError("buffer is empty: there are no frames to combine")
    first = buffer[0]
    for frame in buffer:
        if (frame.sample_rate, frame.num_channels) != (first.sample_rate, first.num_channels):
            raise ValueError(f"{frame!r} cannot be combined with {first!r}: rate and channels must be the same")
    data = bytearray().join(frame.data.cast("B") for frame in buffer)
    samples = sum(frame.samples_per_channel for frame in buffer)
    return AudioFrame(data, first.sample_rate, first.num_channels, samples)


@dataclass
class AudioFrameEvent:
    """What an `AudioStream` gives."""

    frame: AudioFrame
