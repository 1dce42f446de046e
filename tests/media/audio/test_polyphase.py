"""The built-in sample rate conversion."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.media.audio.channels import interleave, separate
from livekit.media.audio.polyphase import PolyphaseResampler
from tests.media.audio.signals import sine

PAIRS = [(48000, 16000), (16000, 48000), (44100, 48000), (48000, 44100), (24000, 48000), (22050, 16000), (8000, 44099)]


def convert(samples: array[int], input_rate: int, output_rate: int, channels: int = 1) -> array[int]:
    resampler = PolyphaseResampler(input_rate, output_rate, channels)
    return resampler.process(samples) + resampler.flush()


def decibels(samples: array[int], reference: float) -> float:
    power = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(max(power, 0.01) / reference**2)


@pytest.mark.parametrize(("input_rate", "output_rate"), PAIRS)
def test_tone_keeps_its_phase_and_level(input_rate: int, output_rate: int) -> None:
    output = convert(sine(1000, input_rate, 0.2), input_rate, output_rate)
    expected = sine(1000, output_rate, 0.21)[: len(output)]
    assert len(output) == math.ceil(input_rate // 5 * output_rate / input_rate)
    inner = slice(200, -200)
    errors = array("h", [a - b for a, b in zip(output, expected, strict=True)])[inner]
    assert decibels(errors, 7071) < -60


@pytest.mark.parametrize(("input_rate", "output_rate"), [(48000, 16000), (48000, 8000), (24000, 16000)])
def test_tones_above_the_new_bandwidth_vanish(input_rate: int, output_rate: int) -> None:
    output = convert(sine(output_rate * 0.6, input_rate, 0.2), input_rate, output_rate)
    assert decibels(output[200:-200], 7071) < -60


@pytest.mark.parametrize("level", [-32768, -1, 0, 1, 12345, 32767])
def test_constant_level_stays_exact(level: int) -> None:
    output = convert(array("h", [level] * 4800), 48000, 44100)
    assert set(output[200:-200]) == {level}


def test_overshoot_of_full_scale_is_clipped() -> None:
    square = array("h", ([32767] * 24 + [-32768] * 24) * 50)
    output = convert(square, 48000, 44100)
    assert (max(output), min(output)) == (32767, -32768)


@given(st.sampled_from(PAIRS), st.lists(st.integers(0, 700), max_size=8))
def test_output_does_not_depend_on_the_size_of_the_blocks(pair: tuple[int, int], sizes: list[int]) -> None:
    samples = sine(440, pair[0], 0.1)[: sum(sizes)]
    resampler = PolyphaseResampler(*pair)
    output, start = array("h"), 0
    for size in sizes:
        output += resampler.process(samples[start : start + size])
        start += size
    assert output + resampler.flush() == convert(samples, *pair)


@pytest.mark.parametrize(("input_rate", "output_rate"), [(44100, 48000), (48000, 44100), (16000, 48000)])
def test_delayed_stream_gives_as_much_as_it_takes(input_rate: int, output_rate: int) -> None:
    resampler = PolyphaseResampler(input_rate, output_rate, delayed=True)
    samples = sine(440, input_rate, 0.1)
    size = input_rate // 100
    blocks = [resampler.process(samples[start : start + size]) for start in range(0, len(samples), size)]
    assert {len(block) for block in blocks} == {output_rate // 100}


def test_delay_is_18_samples_of_the_lower_rate() -> None:
    samples = sine(440, 16000, 0.1)
    resampler = PolyphaseResampler(16000, 48000, delayed=True)
    assert (resampler.process(samples) + resampler.flush())[3 * 18 :] == convert(samples, 16000, 48000)


def test_channels_are_converted_separately() -> None:
    left, right = sine(440, 48000, 0.1), sine(1000, 48000, 0.1)
    output = convert(interleave([left, right]), 48000, 16000, 2)
    assert separate(output, 2) == [convert(left, 48000, 16000), convert(right, 48000, 16000)]


def test_flush_starts_anew() -> None:
    resampler = PolyphaseResampler(48000, 16000)
    samples = sine(440, 48000, 0.1)
    first = resampler.process(samples) + resampler.flush()
    assert resampler.process(samples) + resampler.flush() == first
    assert not resampler.flush()


def test_equal_rates_pass_samples_on() -> None:
    resampler = PolyphaseResampler(48000, 48000, 2)
    samples = array("h", [1, 2])
    assert (resampler.process(samples), resampler.flush()) == (samples, array("h"))
