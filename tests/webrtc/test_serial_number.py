from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.serial_number import unwrap_16, unwrap_32


@pytest.mark.parametrize(
    ("wire", "reference", "number"),
    [(5, 3, 5), (1, 0xFFFF_FFFF, 0x1_0000_0001), (0xFFFF_FFFF, 0x1_0000_0001, 0xFFFF_FFFF), (0xFFFF_FFFF, 1, -1)],
)
def test_unwrap_near_the_wrap(wire: int, reference: int, number: int) -> None:
    assert unwrap_32(wire, reference) == number


def test_wrap_around_in_both_directions() -> None:
    assert unwrap_16(2, 65_535) == 65_538
    assert unwrap_16(65_535, 65_538) == 65_535
    assert unwrap_32(5, 0xFFFF_FFFF) == 0x1_0000_0005
    assert unwrap_32(0xFFFF_FFFF, 0x1_0000_0005) == 0xFFFF_FFFF


@given(st.integers(-(1 << 40), 1 << 40), st.integers(-(1 << 31) + 1, (1 << 31) - 1))
def test_unwrap_within_half_the_range(reference: int, distance: int) -> None:
    assert unwrap_32((reference + distance) & 0xFFFF_FFFF, reference) == reference + distance
    near = distance >> 16
    assert unwrap_16((reference + near) & 0xFFFF, reference) == reference + near
