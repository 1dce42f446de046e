"""When a receiver plays."""

from __future__ import annotations

import pytest

from livekit.media.audio.playout_clock import MARGIN, SETTLING_BLOCKS, SETTLING_STEP, STEP, PlayoutClock


def test_pace_is_10_ms_without_sound() -> None:
    clock = PlayoutClock(1.0)
    assert clock.next == pytest.approx(1.01)
    for _ in range(100):
        clock.advance(None)
    assert clock.next == pytest.approx(2.01)


@pytest.mark.parametrize("start", [1.0101, 1.0149, 1.0151, 1.0199, 1.02, 1.234])
def test_a_block_falls_on_the_start_of_sound(start: float) -> None:
    clock = PlayoutClock(1.0)
    clock.start_at(start, 1.005)
    assert (clock.next - start - MARGIN + 0.005) % 0.01 == pytest.approx(0.005, abs=1e-9)
    assert 1.005 <= clock.next <= 1.016
    moved = clock.next
    clock.start_at(start, 1.005)
    assert clock.next == pytest.approx(moved, abs=1e-6)


def test_start_in_the_past_moves_the_next_block_later() -> None:
    clock = PlayoutClock(1.0)
    clock.start_at(1.005, 1.0095)
    assert clock.next == pytest.approx(1.016)


@pytest.mark.parametrize("excess", [0.009, -0.009])
def test_phase_settles_quickly_and_then_moves_slowly(excess: float) -> None:
    clock = PlayoutClock(0.0)
    clock.start_at(0.005, 0.0)
    start = clock.next
    sign = 1 if excess > 0 else -1
    for _ in range(SETTLING_BLOCKS):
        clock.advance(excess)
    assert clock.next - start == pytest.approx(SETTLING_BLOCKS * (0.01 - sign * SETTLING_STEP))
    start = clock.next
    for _ in range(1000):
        clock.advance(excess)
    assert clock.next - start == pytest.approx(1000 * (0.01 - sign * STEP))


def test_block_that_is_played_as_early_as_possible_does_not_move() -> None:
    clock = PlayoutClock(0.0)
    clock.advance(MARGIN)
    assert clock.next == pytest.approx(0.02)
