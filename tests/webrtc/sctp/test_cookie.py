from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.sctp.cookie import Cookie, CookieError

COOKIE = Cookie(
    created_at=1.5,
    local_tag=1,
    peer_tag=2,
    local_tie_tag=3,
    peer_tie_tag=4,
    local_initial_tsn=5,
    peer_initial_tsn=6,
    peer_window=7,
    outbound_streams=8,
    inbound_streams=9,
    forward_tsn=True,
    reconfig=False,
)
KEY = bytes(32)


@pytest.mark.parametrize("flags", [(True, False), (False, True), (True, True), (False, False)])
def test_round_trip(flags: tuple[bool, bool]) -> None:
    cookie = dataclasses.replace(COOKIE, forward_tsn=flags[0], reconfig=flags[1])
    assert Cookie.parse(cookie.encode(KEY), KEY) == cookie


def test_cookie_of_another_key_is_rejected() -> None:
    with pytest.raises(CookieError):
        Cookie.parse(COOKIE.encode(KEY), b"\x01" * 32)


@given(st.integers(0, len(COOKIE.encode(KEY)) * 8 - 1))
def test_changed_bit_is_rejected(bit: int) -> None:
    data = bytearray(COOKIE.encode(KEY))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CookieError):
        Cookie.parse(bytes(data), KEY)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_rejected(data: bytes) -> None:
    with pytest.raises(CookieError):
        Cookie.parse(data, KEY)
