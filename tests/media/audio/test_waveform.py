from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest

from livekit.media.audio.waveform import continuation, crossfade, find_period, lengthen, shorten
from tests.media.audio.signals import largest_step, sine

Stretch = Callable[["array[int]", int, int], "array[int]"]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("frequency", [100.0, 150.0, 220.0, 440.0])
def test_period_is_a_multiple_of_the_pitch(frequency: float, sample_rate: int, channels: int) -> None:
    period, similarity = find_period(sine(frequency, sample_rate, 0.045, channels), sample_rate, channels)
    cycles = period / channels * frequency / sample_rate
    assert cycles == pytest.approx(round(cycles), abs=0.06)
    assert round(cycles) >= 1
    assert similarity > 0.9
    assert period % channels == 0


def test_noise_has_no_period() -> None:
    state, noise = 1, array("h")
    for _ in range(2160):
        state = state * 1_103_515_245 + 12_345 & 0x7FFF_FFFF
        noise.append((state >> 15) - 32_768)
    assert find_period(noise, 48_000, 1)[1] < 0.5


def test_silence_counts_as_periodic() -> None:
    assert find_period(array("h", bytes(2 * 2160)), 48_000, 1)[1] == 1.0


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.01, 0.02, 0.06])
@pytest.mark.parametrize("stretch", [shorten, lengthen])
def test_stretching_makes_no_click(stretch: Stretch, seconds: float, channels: int) -> None:
    pcm = sine(440.0, 48_000, seconds, channels)
    stretched = stretch(pcm, 48_000, channels)
    change = (len(stretched) - len(pcm)) // channels
    assert (change < 0) is (stretch is shorten)
    assert 120 <= abs(change) <= 720
    assert largest_step(stretched, channels) <= 1.1 * largest_step(pcm, channels)
    assert len(stretched) % channels == 0


@pytest.mark.parametrize("start", [0, 50, 109, 1000])
def test_continuation_goes_on_where_it_stopped(start: int) -> None:
    pcm = array("h", range(300))
    whole = continuation(pcm, 109, 0, 2000)
    assert whole[:109] == pcm[191:]
    assert whole[109:218] == pcm[191:]
    assert continuation(pcm, 109, start, 300) == whole[start : start + 300]


def test_crossfade_begins_with_one_signal_and_approaches_the_other() -> None:
    faded = crossfade(array("h", [100] * 8), array("h", [-100] * 8), 2)
    assert list(faded) == [100, 100, 50, 50, 0, 0, -50, -50]
