from __future__ import annotations

import math
from array import array

import pytest

from livekit.media.audio.concealment import Concealment
from livekit.media.codecs.opus import OpusDecoder
from tests.media.audio.signals import largest_step, sine

RATE = 48_000


class _Decoder:
    """Conceals with a constant, which is told apart from everything else."""

    sample_rate = RATE

    def __init__(self, channels: int = 1) -> None:
        self.channels = channels

    def decode(self, packet: bytes) -> bytes:
        return packet

    def decode_fec(self, packet: bytes, samples: int) -> bytes:
        raise NotImplementedError

    def conceal(self, samples: int) -> bytes:
        return array("h", [77] * (samples * self.channels)).tobytes()


def _rms(samples: array[int]) -> float:
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


@pytest.mark.parametrize("channels", [1, 2])
def test_periodic_sound_goes_on_through_a_gap_without_a_click(channels: int) -> None:
    concealment = Concealment(_Decoder(channels))
    tone = sine(440.0, RATE, 0.4, channels)
    frame = 960 * channels
    heard = array("h")
    for number, start in enumerate(range(0, len(tone), frame)):
        heard += concealment.conceal(960) if 5 <= number < 9 else concealment.played(tone[start : start + frame])
    assert len(heard) == len(tone)
    assert largest_step(heard, channels) <= 1.2 * largest_step(tone, channels)
    assert _rms(heard[5 * frame : 9 * frame]) == pytest.approx(_rms(tone), rel=0.05)


def test_periodic_sound_fades_in_a_long_gap() -> None:
    concealment = Concealment(_Decoder())
    concealment.played(sine(440.0, RATE, 0.1))
    levels = [_rms(concealment.conceal(480)) for _ in range(40)]
    assert levels[9] == pytest.approx(levels[0], rel=0.05)
    assert levels[10:30] == sorted(levels[10:30], reverse=True)
    assert levels[31:] == [0.0] * 9


def test_other_sound_and_a_short_history_are_left_to_the_codec() -> None:
    concealment = Concealment(_Decoder())
    concealment.played(sine(440.0, RATE, 0.02))
    assert set(concealment.conceal(480)) == {77}
    concealment.played(array("h", (n * n * 7919 % 20_011 - 10_000 for n in range(4800))))
    assert set(concealment.conceal(480)) == {77}
    assert len(concealment.played(sine(440.0, RATE, 0.02))) == 960


@pytest.mark.parametrize("samples", [0, 1, 119, 120, 121, 333, 959, 960])
@pytest.mark.parametrize("channels", [1, 2])
def test_gap_of_any_length_is_concealed(samples: int, channels: int) -> None:
    assert len(Concealment(OpusDecoder(48_000, channels)).conceal(samples)) == samples * channels
