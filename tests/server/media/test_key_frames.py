from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.server.media.key_frames import KeyFrameRequests, starts_key_frame


@pytest.mark.parametrize(
    ("codec", "payload", "expected"),
    [
        ("VP8", "10 00", True),
        ("vp8", "10 01", False),
        ("VP8", "00 00", False),  # not the start of a partition
        ("VP8", "11 00", False),  # the second partition
        ("VP8", "90 80 12 00", True),  # a picture id of 7 bits
        ("VP8", "90 80 92 34 00", True),  # of 15 bits
        ("VP8", "90 e0 92 34 05 60 01", False),  # picture id, TL0PICIDX, TID
        ("VP8", "90 e0 92 34 05 60 00", True),
        ("VP8", "90 80", False),
        ("VP9", "08 00", True),
        ("VP9", "48 00", False),  # predicted from another picture
        ("VP9", "00 00", False),  # not the start of a frame
        ("VP9", "a8 92 34 00", True),  # picture id, spatial layer 0
        ("VP9", "a8 12 02", False),  # spatial layer 1
        ("H264", "67 42 e0 1f", True),  # SPS
        ("H264", "65 88", True),  # IDR
        ("H264", "41 9a", False),
        ("H264", "68 ce", False),
        ("H264", "78 00 02 67 42 00 01 68", True),  # STAP-A with SPS
        ("H264", "78 00 02 41 42 00 01 68", False),
        ("H264", "7c 85 88", True),  # the start of a fragmented IDR
        ("H264", "7c 05 88", False),
        ("H264", "7c 81 88", False),
        ("H265", "40 01", True),  # VPS
        ("H265", "26 01", True),  # IDR_W_RADL
        ("H265", "02 01", False),
        ("H265", "60 01 00 02 40 01", True),  # an aggregation packet with VPS
        ("H265", "62 01 93", True),  # the start of a fragmented IDR
        ("H265", "62 01 13", False),
        ("AV1", "18 00", True),
        ("AV1", "10 00", False),
        ("unknown", "00", True),
    ],
)
def test_key_frames_are_recognized(codec: str, payload: str, expected: bool) -> None:
    assert starts_key_frame(codec, bytes.fromhex(payload)) is expected


@given(st.sampled_from(["VP8", "VP9", "H264", "H265", "AV1"]), st.binary(max_size=12))
def test_any_payload_has_an_answer(codec: str, payload: bytes) -> None:
    assert starts_key_frame(codec, payload) in (True, False)
    assert not starts_key_frame(codec, b"")


def test_request_is_repeated_until_a_key_frame_and_throttled_over_it() -> None:
    requests = KeyFrameRequests(0.5)
    assert not requests.poll(0.0)
    requests.request()
    assert [requests.poll(at) for at in (0.0, 0.4, 0.5, 0.9)] == [True, False, True, False]
    requests.receive_key_frame()
    assert not requests.poll(1.0)
    requests.request()
    assert requests.poll(1.0)
    requests.receive_key_frame()
    requests.request()
    assert not requests.poll(1.4)
    assert requests.poll(1.5)
