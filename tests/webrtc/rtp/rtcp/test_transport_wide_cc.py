from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.rtcp import TransportWideFeedback, decode_compound
from livekit.webrtc.rtp.rtcp.transport_wide_cc import MAX_PACKETS


def _feedback(first: int, count: int, rest: str, reference: int = 2) -> bytes:
    body = bytes.fromhex("00000001 00000002") + first.to_bytes(2, "big") + count.to_bytes(2, "big")
    body += reference.to_bytes(3, "big") + b"\x05" + bytes.fromhex(rest)
    body += bytes(-len(body) % 4)
    return b"\x8f\xcd" + (len(body) // 4).to_bytes(2, "big") + body


def _decode(data: bytes) -> TransportWideFeedback:
    (packet,) = decode_compound(data)
    assert isinstance(packet, TransportWideFeedback)
    return packet


def test_run_length_chunk() -> None:
    packet = _decode(_feedback(65_535, 3, "2003 04 08 0c"))  # three packets with small deltas of 1, 2 and 3 ms
    assert (packet.sender_ssrc, packet.media_ssrc, packet.feedback_count) == (1, 2, 5)
    assert [number for number, _ in packet.arrivals] == [65_535, 0, 1]
    assert [time for _, time in packet.arrivals] == pytest.approx([0.129, 0.131, 0.134])


def test_vector_of_two_bit_symbols_with_a_loss_and_a_negative_delta() -> None:
    # 0b11, then symbols 1, 0, 2, 0, 0, 0, 0: small, not received, large.
    packet = _decode(_feedback(10, 3, "d200 04 fffc"))
    assert [number for number, _ in packet.arrivals] == [10, 11, 12]
    assert [time for _, time in packet.arrivals if time is not None] == pytest.approx([0.129, 0.128])


def test_vector_of_one_bit_symbols() -> None:
    packet = _decode(_feedback(10, 14, "a001 04 04"))  # 0b10, then 1, twelve zeros, 1
    assert [number for number, time in packet.arrivals if time is not None] == [10, 23]
    assert len(packet.arrivals) == 14


def test_chunks_of_several_kinds() -> None:
    packet = _decode(_feedback(0, 22, "000f a000 2000 2001 04 04"))
    assert [number for number, time in packet.arrivals if time is not None] == [15]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (_feedback(0, 8, ""), "status chunks"),
        (_feedback(0, 5, "2005 04"), "receive deltas"),
        (_feedback(0, MAX_PACKETS + 1, "3fff"), "over the limit"),
        (bytes.fromhex("8fcd00020000000100000002"), "cut off"),
    ],
    ids=["no chunks", "no deltas", "too many", "no header"],
)
def test_malformed_feedback_is_rejected(data: bytes, match: str) -> None:
    with pytest.raises(RtpError, match=match):
        decode_compound(data)


@given(st.integers(0, 65_535), st.integers(0, 300), st.binary(max_size=60))
def test_any_feedback_is_decoded_or_an_rtp_error(first: int, count: int, rest: bytes) -> None:
    try:
        packet = _decode(_feedback(first, count, rest.hex()))
    except RtpError:
        return
    assert [number for number, _ in packet.arrivals] == [(first + offset) & 0xFFFF for offset in range(count)]
