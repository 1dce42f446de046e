"""Mixing to other numbers of channels."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.media.audio.channels import remix

SAMPLE = st.integers(-32768, 32767)


def test_mono_is_copied_to_each_channel() -> None:
    assert remix(array("h", [1, -2]), 1, 3).tolist() == [1, 1, 1, -2, -2, -2]


@given(st.lists(st.tuples(SAMPLE, SAMPLE)))
def test_stereo_is_averaged_rounding_down(pairs: list[tuple[int, int]]) -> None:
    samples = array("h", [sample for pair in pairs for sample in pair])
    assert remix(samples, 2, 1).tolist() == [(left + right) >> 1 for left, right in pairs]


def test_more_channels_are_averaged() -> None:
    assert remix(array("h", [1, 2, 6, -32768, -32768, -32768]), 3, 1).tolist() == [3, -32768]


def test_four_channels_become_stereo_by_side() -> None:
    assert remix(array("h", [10, 20, 30, 40]), 4, 2).tolist() == [20, 30]


def test_same_number_changes_nothing() -> None:
    samples = array("h", [1, 2])
    assert remix(samples, 2, 2) is samples


@pytest.mark.parametrize(("source", "target"), [(2, 4), (3, 2), (2, 6)])
def test_other_combinations_are_refused(source: int, target: int) -> None:
    with pytest.raises(ValueError, match=f"{source} channels cannot be mixed to {target}"):
        remix(array("h", [0] * source), source, target)
