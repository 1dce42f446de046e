"""WAV files: reading of all PCM and float formats as 16-bit samples, and writing that is valid at any time."""

from __future__ import annotations

import array
import math
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

__all__ = ["WavError", "WavReader", "WavWriter"]

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_UNKNOWN_SIZE = 0xFFFFFFFF
MAX_DATA = _UNKNOWN_SIZE - 64
"""Bytes of samples that fit into a WAV file."""
MAX_RATE = 768_000
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SIGN = bytes(value ^ 0x80 for value in range(256))


class WavError(ValueError):
    """A file is not a WAV file that can be read; the message tells why."""


class _Format(NamedTuple):
    tag: int
    channels: int
    rate: int
    bits: int


class WavReader:
    """Reads a WAV file as interleaved 16-bit samples of one or two channels; more channels are mixed into one.

    Raises:
        WavError: It is not a WAV file, has no audio, or its encoding is not PCM or float.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if (head := file.read(12))[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise WavError("it is not a WAV file")
        self._format, size = _read_chunks(file)
        self._convert = _converter(self._format)
        self.sample_rate = self._format.rate
        """Hz."""
        self.channels = 2 if self._format.channels == 2 else 1
        self._frame_size = self._format.channels * self._format.bits // 8
        self._start = file.tell()
        present = file.seek(0, 2) - self._start  # sizes of streamed or truncated files are wrong
        self.frames = (present if size == 0 else min(size, present)) // self._frame_size
        """Samples of each channel."""
        if not self.frames:
            raise WavError("it has no audio")
        self.rewind()

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.sample_rate

    def rewind(self) -> None:
        """Read from the start again."""
        self._file.seek(self._start)
        self._left = self.frames

    def read(self, frames: int) -> bytes:
        """Return the next `frames` samples of each channel, in the machine's byte order; fewer at the end."""
        data = self._file.read(min(frames, self._left) * self._frame_size)
        count = len(data) // self._frame_size
        self._left = self._left - count if count else 0
        samples = self._convert(data[: count * self._frame_size])
        return _mixed(samples, self._format.channels) if self._format.channels > 2 else samples.tobytes()


class WavWriter:
    """Writes 16-bit samples, in the machine's byte order. The file is a valid WAV file after each `flush`."""

    def __init__(self, file: BinaryIO, sample_rate: int, channels: int) -> None:
        self._file = file
        self._rate = sample_rate
        self._channels = channels
        self._size = 0
        self.flush()

    @property
    def seconds(self) -> float:
        """The duration of what was written."""
        return self._size / (2 * self._channels * self._rate)

    @property
    def is_full(self) -> bool:
        """True if one more second might exceed the 4 GiB of a WAV file."""
        return self._size + 2 * self._channels * self._rate > MAX_DATA

    def write(self, samples: bytes | memoryview) -> None:
        """Append samples."""
        self._file.write(_little_endian(samples))
        self._size += len(samples)

    def flush(self) -> None:
        """Update the header and write everything to the file."""
        width = 2 * self._channels
        head = _HEADER.pack(
            *(b"RIFF", _HEADER.size - 8 + self._size, b"WAVE"),
            *(b"fmt ", 16, _PCM, self._channels, self._rate, self._rate * width, width, 16),
            *(b"data", self._size),
        )
        self._file.seek(0)
        self._file.write(head)
        self._file.seek(0, 2)
        self._file.flush()


def _read_chunks(file: BinaryIO) -> tuple[_Format, int]:
    """Read up to the samples; return the format and the size of the samples, 0 if it is unknown."""
    wav_format: _Format | None = None
    while len(head := file.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name == b"data":
            if wav_format is None:
                raise WavError("it has samples before their format")
            return wav_format, 0 if size == _UNKNOWN_SIZE else size
        if name == b"fmt ":
            wav_format = _parse_format(file.read(size + size % 2))
        else:
            file.seek(size + size % 2, 1)
    raise WavError("it has no audio")


def _parse_format(data: bytes) -> _Format:
    if len(data) < 16:
        raise WavError("its format is truncated")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data)
    if tag == _EXTENSIBLE and len(data) >= 26:
        tag = int.from_bytes(data[24:26], "little")
    if not channels or not 0 < rate <= MAX_RATE:
        raise WavError(f"it has {channels} channels at {rate} Hz")
    return _Format(tag, channels, rate, bits)


def _converter(wav_format: _Format) -> Callable[[bytes], array.array[int]]:
    converter = _CONVERTERS.get((wav_format.tag, wav_format.bits))
    if converter is None:
        raise WavError(
            f"it has encoding {wav_format.tag:#x} with {wav_format.bits} bits; convert it, for example with "
            "`ffmpeg -i FILE -c:a pcm_s16le out.wav`"
        )
    return converter


def _samples(little_endian: bytes | bytearray) -> array.array[int]:
    samples = array.array("h", bytes(little_endian))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _from_8_bits(data: bytes) -> array.array[int]:
    wide = bytearray(2 * len(data))
    wide[1::2] = data.translate(_SIGN)
    return _samples(wide)


def _upper_bytes(size: int) -> Callable[[bytes], array.array[int]]:
    """Return a converter from samples of `size` bytes, of which the upper two remain."""

    def convert(data: bytes) -> array.array[int]:
        narrow = bytearray(len(data) // size * 2)
        narrow[0::2] = data[size - 2 :: size]
        narrow[1::2] = data[size - 1 :: size]
        return _samples(narrow)

    return convert


def _from_floats(typecode: str) -> Callable[[bytes], array.array[int]]:
    def convert(data: bytes) -> array.array[int]:
        values = array.array(typecode, data)
        if sys.byteorder == "big":
            values.byteswap()
        return array.array("h", (_clipped(value) for value in values))

    return convert


def _clipped(value: float) -> int:
    """Scale to 16 bits; NaN becomes 0."""
    if math.isnan(value):
        return 0
    return round(max(min(value * 32768, 32767), -32768))


_CONVERTERS: dict[tuple[int, int], Callable[[bytes], array.array[int]]] = {
    (_PCM, 8): _from_8_bits,
    (_PCM, 16): _samples,
    (_PCM, 24): _upper_bytes(3),
    (_PCM, 32): _upper_bytes(4),
    (_FLOAT, 32): _from_floats("f"),
    (_FLOAT, 64): _from_floats("d"),
}


def _mixed(samples: array.array[int], channels: int) -> bytes:
    """Return the mean of all channels."""
    parts = [samples[channel::channels] for channel in range(channels)]
    return array.array("h", [sum(values) // channels for values in zip(*parts, strict=True)]).tobytes()


def _little_endian(samples: bytes | memoryview) -> bytes | memoryview:
    if sys.byteorder == "little":
        return samples
    swapped = array.array("h", bytes(samples))
    swapped.byteswap()
    return swapped.tobytes()
