from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.srtp.replay_window import WINDOW_SIZE, ReplayWindow, estimate_index


def test_index_is_accepted_once() -> None:
    window = ReplayWindow()
    for index in (5, 7, 6):
        assert window.accepts(index)
        window.add(index)
        assert not window.accepts(index)
    assert window.highest == 7
    assert window.accepts(4)


def test_index_older_than_the_window_is_rejected() -> None:
    window = ReplayWindow()
    window.add(WINDOW_SIZE + 9)
    assert window.accepts(10)
    assert not window.accepts(9)


@given(st.lists(st.integers(0, 5 * WINDOW_SIZE), max_size=200))
def test_window_agrees_with_a_set(indices: list[int]) -> None:
    window, used = ReplayWindow(), set[int]()
    for index in indices:
        in_window = index > max(used, default=-1) - WINDOW_SIZE
        assert window.accepts(index) == (in_window and index not in used)
        if window.accepts(index):
            window.add(index)
            used.add(index)


@pytest.mark.parametrize(
    ("sequence_number", "highest", "index"),
    [
        (65_535, -1, 65_535),
        (0, 65_535, 65_536),
        (65_535, 65_536, 65_535),
        (0x8000, 0x1_0001, 0x8000 + 0x1_0000),
        (0xFFFF, 5, 0xFFFF),  # the rollover counter cannot be negative
        (1, 0x2_0000 - 1, 0x2_0001),
    ],
)
def test_estimated_index(sequence_number: int, highest: int, index: int) -> None:
    assert estimate_index(sequence_number, highest) == index


@given(st.integers(0, 1 << 40), st.integers(-0x7FFF, 0x7FFF))
def test_index_within_half_a_cycle_is_recovered(highest: int, distance: int) -> None:
    index = highest + distance
    if index >= 0:
        assert estimate_index(index & 0xFFFF, highest) == index


@given(st.lists(st.integers(0, 0xFFFF) | st.integers(65_500, 65_535), max_size=60), st.integers(0, 2))
def test_next_index_is_the_estimate_if_it_was_not_used(numbers: list[int], step: int) -> None:
    window, reference = ReplayWindow(), ReplayWindow()
    for number in (sequence & 0xFFFF for first in numbers for sequence in (first, first + step)):
        index = estimate_index(number, reference.highest)
        expected = index if reference.accepts(index) else -1
        if expected >= 0:
            reference.add(index)
        assert window.next_index(number) == expected
        assert window.highest == reference.highest
        assert window.has(index) == (0 <= reference.highest - index < WINDOW_SIZE)
