from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.rtcp import (
    FullIntraRequest,
    Goodbye,
    Nack,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    ReceiverReport,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    TransportWideFeedback,
    decode_compound,
    encode_compound,
)

PACKETS: list[RtcpPacket] = [
    ReceiverReport(ssrc=1),
    SenderReport(ssrc=1, ntp_timestamp=2, rtp_timestamp=3, packet_count=4, octet_count=5),
    SourceDescription(((1, "me"),)),
    PictureLossIndication(sender_ssrc=1, media_ssrc=2),
    FullIntraRequest(sender_ssrc=1, requests=((2, 3),)),
    ReceiverEstimatedMaximumBitrate(sender_ssrc=1, bitrate=100_000, ssrcs=(2,)),
    Nack(sender_ssrc=1, media_ssrc=2, sequence_numbers=(3,)),
    Goodbye((1,)),
]


def test_compound_round_trip() -> None:
    assert decode_compound(encode_compound(PACKETS)) == PACKETS


def test_transport_wide_feedback_is_decoded() -> None:
    (packet,) = decode_compound(bytes.fromhex("8fcd000400000001000000020000000000000005"))
    assert packet == TransportWideFeedback(sender_ssrc=1, media_ssrc=2, feedback_count=5, arrivals=())


def test_unknown_packets_are_skipped() -> None:
    extended_report = bytes.fromhex("80cf000100000001")
    slice_loss = bytes.fromhex("82ce00020000000100000002")
    other_feedback = bytes.fromhex("87cd00020000000100000002")
    data = extended_report + slice_loss + PACKETS[0].encode() + other_feedback
    assert decode_compound(data) == [PACKETS[0]]


def test_padding_is_not_content() -> None:
    goodbye = bytes.fromhex("a1cb00020000000700000004")
    assert decode_compound(goodbye) == [Goodbye((7,))]


def test_empty_compound_has_no_packets() -> None:
    assert decode_compound(b"") == []


@pytest.mark.parametrize("data", ["80c9", "40c9000100000001", "80c9000200000001", "a1cb000100000008"])
def test_malformed_compound_is_rejected(data: str) -> None:
    with pytest.raises(RtpError):
        decode_compound(bytes.fromhex(data))


packet_types = st.sampled_from([200, 201, 202, 203, 205, 206, 207])


@given(
    st.integers(0, 31),
    packet_types,
    st.integers(0, 15).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words)),
)
def test_any_body_is_decoded_or_an_rtp_error(count: int, packet_type: int, body: bytes) -> None:
    data = bytes([0x80 | count, packet_type]) + (len(body) // 4).to_bytes(2, "big") + body
    try:
        assert len(decode_compound(data)) <= 1
    except RtpError:
        pass
