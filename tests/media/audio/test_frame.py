"""Frames of PCM audio."""

from __future__ import annotations

import io
import wave
from array import array

import pytest

from livekit import rtc
from livekit.rtc import AudioFrame, combine_audio_frames
from tests.media.audio.signals import sine


def mono(*samples: int, rate: int = 48000) -> AudioFrame:
    return AudioFrame(array("h", samples).tobytes(), rate, 1, len(samples))


def test_frame_gives_its_samples() -> None:
    frame = AudioFrame(b"\x01\x00\x02\x00", sample_rate=48000, num_channels=2, samples_per_channel=1)
    assert list(frame.data) == [1, 2]
    assert (frame.duration, frame.userdata) == (1 / 48000, {})
    assert repr(frame) == "rtc.AudioFrame(sample_rate=48000, num_channels=2, samples_per_channel=1, duration=0.000)"
    silence = AudioFrame.create(8000, 1, 80)
    silence.data[3] = -7
    assert (silence.data[3], silence.duration) == (-7, 0.01)


def test_wav_file_has_the_frames_format() -> None:
    frame = AudioFrame(b"\x01\x00\x02\x00", sample_rate=48000, num_channels=2, samples_per_channel=1)
    with wave.open(io.BytesIO(frame.to_wav_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (48000, 2, 2, 1)
        assert file.readframes(1) == b"\x01\x00\x02\x00"


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"\0", ValueError, "data length must be >= num_channels * samples_per_channel * sizeof(int16)"),
        (b"\0" * 5, ValueError, "data length must be a multiple of sizeof(int16)"),
        ("text", TypeError, "expected bytes, bytearray, or memoryview, got <class 'str'>"),
        (memoryview(bytes(16))[::2], TypeError, "C-contiguous"),
    ],
)
def test_bad_data_is_refused(data: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        AudioFrame(data, 48000, 1, 2)
    assert message in str(raised.value)


def test_slice_of_a_memoryview_is_accepted() -> None:
    assert list(AudioFrame(memoryview(b"\0\0\x05\x00\0\0")[2:4], 48000, 1, 1).data) == [5]


def test_frames_are_combined() -> None:
    both = combine_audio_frames([mono(1), mono(2, 3)])
    assert (list(both.data), both.samples_per_channel, both.sample_rate) == ([1, 2, 3], 3, 48000)
    both.data[0] = 7
    assert combine_audio_frames(both) is both


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "buffer is empty"),
        ([mono(1), mono(1, rate=16000)], "Sample rate mismatch: expected 48000, got 16000"),
        ([mono(1), AudioFrame(b"\1\0\2\0", 48000, 2, 1)], "Channel count mismatch: expected 1, got 2"),
    ],
)
def test_frames_that_do_not_match_are_not_combined(frames: list[AudioFrame], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        combine_audio_frames(frames)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_remix_and_resample_gives_the_same_tone(rate: int, channels: int) -> None:
    frame = AudioFrame(sine(1000, 48000, 0.1).tobytes(), 48000, 1, 4800)
    converted = frame.remix_and_resample(rate, channels)
    assert (converted.sample_rate, converted.num_channels) == (rate, channels)
    assert converted.samples_per_channel == rate // 10
    expected = sine(1000, rate, 0.1)
    for channel in range(channels):
        samples = converted.data.tolist()[channel::channels]
        inner = slice(rate // 100, -rate // 100)
        assert max(abs(a - b) for a, b in zip(samples[inner], expected[inner], strict=True)) <= 5


def test_remix_and_resample_averages_stereo_and_ignores_surplus_data() -> None:
    stereo = AudioFrame(array("h", [100, 201, -300, -100, 9, 9]).tobytes(), 48000, 2, 2)
    assert list(stereo.remix_and_resample(48000, 1).data) == [150, -200]


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (-1, 1), (48000, 0)])
def test_remix_and_resample_refuses_impossible_formats(rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        mono(1).remix_and_resample(rate, channels)


def test_frame_is_the_public_class() -> None:
    assert rtc.AudioFrame is AudioFrame
