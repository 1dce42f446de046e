"""WAV files of all encodings, and files that are none."""

from __future__ import annotations

import array
import io
import math
import struct
import wave

import pytest

from livekit.cli.wav import MAX_DATA, WavError, WavReader, WavWriter

RATE = 8000


def make_wav(tag: int, bits: int, data: bytes, *, channels: int = 1, rate: int = RATE, extra: bytes = b"") -> bytes:
    width = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits) + extra
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"fmt " + struct.pack("<I", len(form)) + form
    body = b"WAVE" + chunks + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def samples_of(wav: bytes, frames: int = 1 << 20) -> list[int]:
    return list(array.array("h", WavReader(io.BytesIO(wav)).read(frames)))


@pytest.mark.parametrize(
    ("tag", "bits", "data", "expected"),
    [
        (1, 8, bytes([0, 128, 255]), [-32768, 0, 32512]),
        (1, 16, struct.pack("<3h", -32768, 0, 32767), [-32768, 0, 32767]),
        (1, 24, b"\xff\x00\x80" + b"\x00\x00\x00" + b"\x01\xff\x7f", [-32768, 0, 32767]),
        (1, 32, struct.pack("<3i", -(2**31), 65536, 2**31 - 1), [-32768, 1, 32767]),
        (3, 32, struct.pack("<5f", -1.0, 0.5, 2.0, math.nan, -math.inf), [-32768, 16384, 32767, 0, -32768]),
        (3, 64, struct.pack("<2d", -0.5, 1.0), [-16384, 32767]),
    ],
)
def test_encodings_are_read_as_16_bits(tag: int, bits: int, data: bytes, expected: list[int]) -> None:
    assert samples_of(make_wav(tag, bits, data)) == expected
    guid = struct.pack("<HHIH", 22, bits, 4, tag) + bytes(14)
    assert samples_of(make_wav(0xFFFE, bits, data, extra=guid)) == expected


@pytest.mark.parametrize(("channels", "expected"), [(1, (1, 6)), (2, (2, 3)), (3, (1, 2))])
def test_more_than_two_channels_are_mixed(channels: int, expected: tuple[int, int]) -> None:
    data = struct.pack("<6h", 300, 600, 900, -3, -6, -9)
    reader = WavReader(io.BytesIO(make_wav(1, 16, data, channels=channels)))
    assert (reader.channels, reader.frames) == expected
    assert reader.duration == reader.frames / RATE
    samples = list(array.array("h", reader.read(100)))
    assert samples == ([600, -6] if channels == 3 else [300, 600, 900, -3, -6, -9])


def test_reading_in_parts_and_again() -> None:
    reader = WavReader(io.BytesIO(make_wav(1, 16, struct.pack("<5h", *range(5)))))
    parts = [reader.read(2), reader.read(2), reader.read(2), reader.read(2)]
    assert [len(part) for part in parts] == [4, 4, 2, 0]
    reader.rewind()
    assert reader.read(5) == b"".join(parts)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 5000])
def test_size_of_streamed_or_truncated_files_is_that_of_the_file(size: int) -> None:
    wav = bytearray(make_wav(1, 16, bytes(100)))
    wav[-104:-100] = struct.pack("<I", size)
    assert WavReader(io.BytesIO(wav)).frames == 50


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a WAV file"),
        (b"ID3" + bytes(100), "not a WAV file"),
        (make_wav(1, 16, b""), "no audio"),
        (make_wav(1, 16, bytes(4))[:50], "no audio"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "samples before their format"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", "truncated"),
        (make_wav(1, 16, bytes(4), channels=0), "0 channels"),
        (make_wav(1, 16, bytes(4), rate=0), "at 0 Hz"),
        (make_wav(7, 8, bytes(4)), "ffmpeg"),
        (make_wav(1, 12, bytes(4)), "ffmpeg"),
    ],
)
def test_other_files_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(WavError, match=message):
        WavReader(io.BytesIO(content))


@pytest.mark.parametrize("channels", [1, 2])
def test_written_file_is_valid_after_each_flush(channels: int) -> None:
    file = io.BytesIO()
    writer = WavWriter(file, RATE, channels)
    for count in range(3):
        with wave.open(io.BytesIO(file.getvalue())) as reader:
            assert (reader.getframerate(), reader.getnchannels()) == (RATE, channels)
            assert reader.getnframes() == count * 80
        writer.write(memoryview(bytes(160 * channels)))
        writer.flush()
    assert writer.seconds == 0.03
    assert not writer.is_full


def test_file_of_four_gigabytes_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = WavWriter(io.BytesIO(), RATE, 1)
    monkeypatch.setattr(writer, "_size", MAX_DATA - 100)
    assert writer.is_full
