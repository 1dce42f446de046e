"""Opus packets out of RTP packets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.media.audio.depacketizer import SILENCE, AudioDepacketizer
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.red import RedundantBlock, encode_red
from tests.media.audio.wire import OPUS, RED

DEPACKETIZER = AudioDepacketizer((RED, OPUS))


def packet(payload: bytes, payload_type: int = 111, timestamp: int = 5000) -> RtpPacket:
    return RtpPacket(payload_type, 1, timestamp, 7, payload)


def test_plain_and_redundant_packets() -> None:
    assert DEPACKETIZER.frames(packet(b"new")) == [RedundantBlock(111, 0, b"new")]
    redundant = encode_red(b"new", [RedundantBlock(111, 960, b"old")], 111)
    assert DEPACKETIZER.frames(packet(redundant, 63)) == [
        RedundantBlock(111, 960, b"old"),
        RedundantBlock(111, 0, b"new"),
    ]


@pytest.mark.parametrize(
    ("payload", "payload_type"), [(b"new", 0), (b"", 111), (b"", 63), (b"\xff\xff", 63), (b"\x00pcmu", 63)]
)
def test_packets_without_audio_have_no_frames(payload: bytes, payload_type: int) -> None:
    assert DEPACKETIZER.frames(packet(payload, payload_type)) == []


def test_first_codec_of_a_payload_type_counts() -> None:
    depacketizer = AudioDepacketizer((replace(OPUS, payload_type=63), RED))
    assert depacketizer.frames(packet(b"new", 63)) == [RedundantBlock(63, 0, b"new")]


def test_each_frame_is_decrypted_with_its_own_timestamp() -> None:
    seen: list[tuple[bytes, int, int]] = []

    def unseal(payload: bytes, ssrc: int, timestamp: int) -> bytes | None:
        seen.append((payload, ssrc, timestamp))
        return None if payload == b"old" else payload.upper()

    redundant = encode_red(b"new", [RedundantBlock(111, 960, b"old")], 111)
    frames = DEPACKETIZER.frames(packet(redundant, 63, timestamp=100), unseal)
    assert [frame.payload for frame in frames] == [SILENCE, b"NEW"]
    assert seen == [(b"old", 7, (100 - 960) % 2**32), (b"new", 7, 100)]


@given(st.binary(max_size=60), st.integers(0, 127))
def test_anything_is_taken(payload: bytes, payload_type: int) -> None:
    for frame in DEPACKETIZER.frames(packet(payload, payload_type)):
        assert frame.payload
