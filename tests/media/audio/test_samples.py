"""Sums of samples."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from livekit.media.audio.samples import mean, mix, saturate

SAMPLE = st.integers(-32768, 32767)


def clipped(value: int) -> int:
    return min(max(value, -32768), 32767)


@given(st.lists(st.tuples(SAMPLE, SAMPLE, SAMPLE)))
def test_sum_is_clipped_once_at_the_end(columns: list[tuple[int, int, int]]) -> None:
    signals = [array("h", [column[row] for column in columns]) for row in range(3)]
    assert mix(signals).tolist() == [clipped(sum(column)) for column in columns]
    assert mix(signals[:1]) == signals[0]


@given(st.lists(st.integers(-(2**40), 2**40)))
def test_values_beyond_full_scale_are_clipped(values: list[int]) -> None:
    assert saturate(values).tolist() == [clipped(value) for value in values]


@given(st.integers(2, 300), st.sampled_from([-32768, -1, 0, 32767]), st.integers(0, 5))
def test_many_loud_signals_are_clipped(count: int, level: int, length: int) -> None:
    assert mix([array("h", [level] * length)] * count).tolist() == [clipped(level * count)] * length


@given(st.lists(st.tuples(SAMPLE, SAMPLE)))
def test_mean_is_rounded_down(pairs: list[tuple[int, int]]) -> None:
    left, right = (array("h", [pair[side] for pair in pairs]) for side in (0, 1))
    assert mean(left, right).tolist() == [(one + other) >> 1 for one, other in pairs]
