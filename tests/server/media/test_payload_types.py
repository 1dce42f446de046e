from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.server.media.payload_types import route_payload_types
from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.red import RedundantBlock, decode_red, encode_red
from tests.server.media.media_packets import OPUS, RED, VP8


def _codec(payload_type: int, name: str, clock_rate: int = 90_000, channels: int = 1, parameters: str = "") -> Codec:
    return Codec(payload_type=payload_type, name=name, clock_rate=clock_rate, channels=channels, parameters=parameters)


def test_codecs_are_matched_by_name_rate_and_channels() -> None:
    source = [OPUS, _codec(96, "VP8"), _codec(0, "PCMU", 8000)]
    target = [_codec(96, "OPUS", 48_000, 2), _codec(97, "opus", 48_000), _codec(100, "vp8"), _codec(0, "PCMU", 16_000)]
    assert route_payload_types(source, target) == {111: (96, None), 96: (100, None)}


def test_h264_is_matched_by_profile_and_packetization_mode() -> None:
    source = [_codec(109, "H264", parameters="level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")]
    target = [
        _codec(102, "H264", parameters="packetization-mode=1;profile-level-id=42001f"),
        _codec(125, "H264", parameters="profile-level-id=42E01F;packetization-mode=1; level-asymmetry-allowed=1"),
    ]
    assert route_payload_types(source, target) == {109: (125, None)}
    assert route_payload_types(source, target[:1]) == {109: (102, None)}


def test_red_passes_if_both_have_the_same_numbers() -> None:
    assert route_payload_types([RED, OPUS], [RED, OPUS]) == {63: (63, None), 111: (111, None)}
    assert route_payload_types([RED, OPUS], [VP8]) == {}
    assert route_payload_types([RED], [RED]) == {63: (63, None)}


def test_red_is_unwrapped_for_a_target_without_it() -> None:
    payload_type, convert = route_payload_types([RED, OPUS], [OPUS])[63]
    assert payload_type == 111
    assert convert is not None
    assert convert(encode_red(b"new", [RedundantBlock(111, 960, b"old")], 111)) == b"new"
    with pytest.raises(RtpError):
        convert(b"\xef\0")


def test_blocks_of_red_are_renumbered() -> None:
    _, convert = route_payload_types([RED, OPUS], [RED, _codec(96, "opus", 48_000, 2)])[63]
    assert convert is not None
    payload = encode_red(b"new", [RedundantBlock(111, 1920, b"older"), RedundantBlock(111, 960, b"old")], 111)
    assert decode_red(convert(payload)) == [(96, 1920, b"older"), (96, 960, b"old"), (96, 0, b"new")]


@given(st.binary(max_size=40), st.booleans())
def test_any_payload_is_converted_or_refused(payload: bytes, unwrapped: bool) -> None:
    target = [OPUS] if unwrapped else [RED, _codec(96, "opus", 48_000, 2)]
    _, convert = route_payload_types([RED, OPUS], target)[63]
    assert convert is not None
    try:
        converted = convert(payload)
    except RtpError:
        return
    assert len(converted) <= len(payload)
