"""Levels of audio."""

from __future__ import annotations

import pytest

from livekit.media.audio.meter import AudioMeter, root_mean_square, to_dbov
from tests.media.audio.signals import sine


def test_level_of_a_sine() -> None:
    assert root_mean_square(sine(440.0, 48_000, 0.1).tobytes()) == pytest.approx(10_000 / 32_768 / 2**0.5, rel=0.01)
    assert root_mean_square(bytes(960)) == 0.0
    assert root_mean_square(b"") == 0.0


@pytest.mark.parametrize(("level", "dbov"), [(1.0, 0), (0.1, 20), (0.001, 60), (1e-9, 127), (0.0, 127)])
def test_level_in_decibels(level: float, dbov: int) -> None:
    assert to_dbov(level) == dbov


def test_energy_is_summed_up() -> None:
    meter = AudioMeter()
    meter.add(0.5, 2)
    meter.add(0.1)
    assert meter.level == 0.1
    assert meter.duration == pytest.approx(0.03)
    assert meter.energy == pytest.approx(0.25 * 0.02 + 0.01 * 0.01)
