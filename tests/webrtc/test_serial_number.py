from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.sctp.serial_number import TSN_MASK, unwrap


@pytest.mark.parametrize(
    ("wire", "reference", "number"),
    [(5, 3, 5), (1, 0xFFFF_FFFF, 0x1_0000_0001), (0xFFFF_FFFF, 0x1_0000_0001, 0xFFFF_FFFF), (0xFFFF_FFFF, 1, -1)],
)
def test_unwrap_near_the_wrap(wire: int, reference: int, number: int) -> None:
    assert unwrap(wire, reference) == number


@given(st.integers(-(1 << 40), 1 << 40), st.integers(-(1 << 31) + 1, (1 << 31) - 1))
def test_unwrap_within_half_the_range(reference: int, distance: int) -> None:
    assert unwrap((reference + distance) & TSN_MASK, reference) == reference + distance
