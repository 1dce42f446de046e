from __future__ import annotations

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.rtcp import (
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    decode_compound,
)

ssrcs = st.integers(0, 0xFFFF_FFFF)


@given(st.lists(st.integers(0, 0xFFFF), max_size=100, unique=True))
def test_nack_names_the_same_packets_to_aiortc(lost: list[int]) -> None:
    nack = Nack(sender_ssrc=1, media_ssrc=2, sequence_numbers=tuple(sorted(lost)))
    (decoded,) = decode_compound(nack.encode())
    assert isinstance(decoded, Nack)
    assert (decoded.sender_ssrc, decoded.media_ssrc, sorted(decoded.sequence_numbers)) == (1, 2, sorted(lost))
    (other,) = aiortc.rtp.RtcpPacket.parse(nack.encode())
    assert isinstance(other, aiortc.rtp.RtcpRtpfbPacket)
    assert sorted(other.lost) == sorted(lost)


def test_seventeen_packets_share_an_entry_across_the_wrap_around() -> None:
    lost = tuple((65_530 + offset) & 0xFFFF for offset in range(17))
    nack = Nack(sender_ssrc=1, media_ssrc=2, sequence_numbers=lost)
    assert nack.encode()[12:].hex() == "fffaffff"
    assert decode_compound(nack.encode()) == [nack]


def test_nack_is_bounded() -> None:
    nack = Nack(sender_ssrc=1, media_ssrc=2, sequence_numbers=tuple(range(0, 40 * 254, 40)))
    with pytest.raises(RtpError, match="at most 253 entries"):
        nack.encode()


def test_picture_loss_indication() -> None:
    indication = PictureLossIndication(sender_ssrc=1, media_ssrc=2)
    assert indication.encode().hex() == "81ce00020000000100000002"
    assert decode_compound(indication.encode()) == [indication]


@given(ssrcs, st.lists(st.tuples(ssrcs, st.integers(0, 255)), min_size=1, max_size=20).map(tuple))
def test_full_intra_request_round_trip(sender: int, requests: tuple[tuple[int, int], ...]) -> None:
    request = FullIntraRequest(sender_ssrc=sender, requests=requests)
    assert decode_compound(request.encode()) == [request]


@given(st.integers(0, (1 << 64) - 1), st.lists(ssrcs, max_size=20))
def test_remb_agrees_with_aiortc(bitrate: int, sources: list[int]) -> None:
    estimate = ReceiverEstimatedMaximumBitrate(sender_ssrc=1, bitrate=bitrate, ssrcs=tuple(sources))
    (decoded,) = decode_compound(estimate.encode())
    assert isinstance(decoded, ReceiverEstimatedMaximumBitrate)
    assert decoded.ssrcs == tuple(sources)
    assert decoded.bitrate <= bitrate < decoded.bitrate + max(decoded.bitrate >> 17, 1)
    assert aiortc.rtp.unpack_remb_fci(estimate.encode()[12:]) == (decoded.bitrate, sources)


def test_other_application_layer_feedback_is_skipped() -> None:
    assert decode_compound(bytes.fromhex("8fce00030000000100000000") + b"GOOG") == []


@pytest.mark.parametrize(
    "data",
    [
        "81cd000100000001",
        "81ce000100000001",
        "84ce00020000000100000000",
        "8fce0003000000010000000052454d42",
        "8fce0004000000010000000052454d4201000000",
    ],
    ids=["NACK", "PLI", "FIR", "REMB", "REMB without its sources"],
)
def test_feedback_that_is_cut_off_is_rejected(data: str) -> None:
    with pytest.raises(RtpError, match="cut off"):
        decode_compound(bytes.fromhex(data))
