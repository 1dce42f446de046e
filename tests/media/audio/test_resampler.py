"""The official resampler's interface, with libsoxr and without it."""

from __future__ import annotations

import functools
import importlib
from array import array
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from livekit.media.audio import resampler as module
from livekit.rtc import AudioFrame, AudioResampler, AudioResamplerQuality
from tests.media.audio.signals import sine

needs_soxr = pytest.mark.skipif(find_spec("soxr") is None, reason="needs the resample extra")


@pytest.fixture(
    params=[pytest.param("soxr", marks=needs_soxr), pytest.param("another version", marks=needs_soxr), "built-in"]
)
def soxr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with soxr, with its public class only, and without soxr."""
    if request.param == "another version":
        public = SimpleNamespace(ResampleStream=importlib.import_module("soxr").ResampleStream)
        monkeypatch.setattr(module, "_load_soxr", lambda: public)
    elif request.param == "built-in":
        monkeypatch.setattr(module, "_load_soxr", lambda: None)


def frame(samples: array[int], rate: int, channels: int = 1) -> AudioFrame:
    return AudioFrame(samples.tobytes(), rate, channels, len(samples) // channels)


def joined(frames: list[AudioFrame]) -> array[int]:
    return functools.reduce(lambda all_, one: all_ + array("h", one.data), frames, array("h"))


def push_blocks(resampler: AudioResampler, samples: array[int], rate: int) -> list[AudioFrame]:
    size = rate // 100
    blocks = [samples[start : start + size] for start in range(0, len(samples), size)]
    frames = [output for block in blocks for output in resampler.push(frame(block, rate))]
    return frames + resampler.flush()


@pytest.mark.parametrize("quality", AudioResamplerQuality)
@pytest.mark.parametrize(("input_rate", "output_rate"), [(48000, 16000), (24000, 48000), (44100, 48000)])
def test_tone_is_the_same_at_another_rate(
    soxr: None, quality: AudioResamplerQuality, input_rate: int, output_rate: int
) -> None:
    resampler = AudioResampler(input_rate, output_rate, quality=quality)
    frames = push_blocks(resampler, sine(440, input_rate, 0.2), input_rate)
    assert {(output.sample_rate, output.num_channels) for output in frames} == {(output_rate, 1)}
    output, expected = joined(frames), sine(440, output_rate, 0.2)
    assert len(output) == len(expected)
    inner = slice(output_rate // 100, -output_rate // 100)
    tolerance = 400 if quality == AudioResamplerQuality.QUICK else 8
    assert max(abs(a - b) for a, b in zip(output[inner], expected[inner], strict=True)) <= tolerance


@needs_soxr
def test_sizes_are_those_of_the_official_sdk() -> None:
    resampler = AudioResampler(48000, 16000)
    block = frame(sine(440, 48000, 0.01), 48000)
    sizes = [sum(output.samples_per_channel for output in resampler.push(block)) for _ in range(12)]
    assert sizes == [0, 0, 0, 526, 0, 0, 0, 525, 0, 0, 525, 0]
    assert [output.samples_per_channel for output in resampler.flush()] == [344]


def test_stereo_channels_stay_apart(soxr: None) -> None:
    silent_right = array("h", [sample for left in sine(440, 48000, 0.2) for sample in (left, 0)])
    resampler = AudioResampler(48000, 24000, num_channels=2)
    output = joined(resampler.push(frame(silent_right, 48000, 2)) + resampler.flush())
    assert len(output) == 2 * 4800
    assert max(map(abs, output[1::2])) <= 1
    assert max(output[::2]) > 9900


def test_input_may_be_bytes_and_a_part_of_a_sample_is_dropped(soxr: None) -> None:
    samples = sine(440, 48000, 0.1)
    resampler = AudioResampler(48000, 48000)
    (output,) = resampler.push(bytearray(samples.tobytes() + b"\1"))
    assert max(abs(a - b) for a, b in zip(output.data, samples, strict=True)) <= 1  # libsoxr dithers
    assert resampler.push(bytearray()) == resampler.push(bytearray(b"\1")) == []


def test_flush_ends_the_stream_and_the_next_push_starts_another(soxr: None) -> None:
    resampler = AudioResampler(48000, 16000)
    (nothing,) = resampler.flush()
    assert nothing.samples_per_channel == 0
    for _ in range(2):
        assert len(joined(push_blocks(resampler, sine(440, 48000, 0.1), 48000))) == 1600


def test_frame_of_another_number_of_channels_is_refused(soxr: None) -> None:
    with pytest.raises(ValueError, match="has 2 channels; this resampler has 1"):
        AudioResampler(48000, 16000).push(frame(sine(440, 48000, 0.01, 2), 48000, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 16000), "sample rates are at least 1 Hz, not 0 and 16000"), ((48000, -1), "at least 1 Hz")],
)
def test_impossible_rates_are_refused(arguments: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AudioResampler(*arguments)


def test_impossible_channels_and_qualities_are_refused() -> None:
    with pytest.raises(ValueError, match="num_channels is 0"):
        AudioResampler(48000, 16000, num_channels=0)
    with pytest.raises(ValueError, match="best"):
        AudioResampler(48000, 16000, quality="best")  # type: ignore[arg-type]  # wrong on purpose
