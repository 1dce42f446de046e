from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.red import RedundantBlock, decode_red, encode_red

blocks = st.builds(RedundantBlock, st.integers(0, 127), st.integers(1, 16_383), st.binary(max_size=1023))


def test_layout_of_one_redundant_frame() -> None:
    # F=1, payload type 111, offset 960, length 2; F=0, payload type 111.
    payload = bytes.fromhex("ef0f0002 6f") + b"OLnew"
    assert decode_red(payload) == [RedundantBlock(111, 960, b"OL"), RedundantBlock(111, 0, b"new")]
    assert encode_red(b"new", [RedundantBlock(111, 960, b"OL")], 111) == payload


def test_first_packet_has_no_redundancy() -> None:
    assert decode_red(b"\x6fnew") == [RedundantBlock(111, 0, b"new")]
    assert encode_red(b"new", [], 111) == b"\x6fnew"


@given(st.lists(blocks, max_size=9), st.binary(max_size=100))
def test_round_trip(redundant: list[RedundantBlock], primary: bytes) -> None:
    assert decode_red(encode_red(primary, redundant, 111)) == [*redundant, RedundantBlock(111, 0, primary)]


def test_frames_that_do_not_fit_are_left_out() -> None:
    redundant = [
        RedundantBlock(111, 16_384, b"old"),
        RedundantBlock(111, 960, bytes(1024)),
        RedundantBlock(111, 0, b""),
    ]
    assert encode_red(b"new", redundant, 111) == b"\x6fnew"


@pytest.mark.parametrize(
    ("payload", "match"),
    [
        (b"", "lacks its primary"),
        (bytes.fromhex("ef0f00"), "cut off"),
        (bytes.fromhex("ef0f0002"), "lacks its primary"),
        (bytes.fromhex("ef0f00026f00"), "does not fit"),
        (bytes.fromhex("ef0f0000") * 33 + b"\x6f", "too many"),
    ],
)
def test_malformed_payload_is_rejected(payload: bytes, match: str) -> None:
    with pytest.raises(RtpError, match=match):
        decode_red(payload)


@given(st.binary(max_size=80))
def test_any_payload_is_decoded_or_an_rtp_error(payload: bytes) -> None:
    try:
        decoded = decode_red(payload)
    except RtpError:
        return
    assert sum(len(block.payload) for block in decoded) <= len(payload)
