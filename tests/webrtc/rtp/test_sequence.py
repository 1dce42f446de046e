from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.sequence import unwrap_sequence_number, unwrap_timestamp


def test_wrap_around_in_both_directions() -> None:
    assert unwrap_sequence_number(2, 65_535) == 65_538
    assert unwrap_sequence_number(65_535, 65_538) == 65_535
    assert unwrap_timestamp(5, 0xFFFF_FFFF) == 0x1_0000_0005
    assert unwrap_timestamp(0xFFFF_FFFF, 0x1_0000_0005) == 0xFFFF_FFFF


@given(st.integers(-(1 << 40), 1 << 40), st.integers(-0x8000, 0x7FFF))
def test_nearest_integer_is_recovered(reference: int, distance: int) -> None:
    assert unwrap_sequence_number((reference + distance) & 0xFFFF, reference) == reference + distance
    far = distance << 16
    assert unwrap_timestamp((reference + far) & 0xFFFF_FFFF, reference) == reference + far
