"""Reports, with aiortc as the reference."""

from __future__ import annotations

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, decode_compound

words = st.integers(0, 0xFFFF_FFFF)
blocks = st.lists(
    st.builds(
        ReportBlock,
        ssrc=words,
        fraction_lost=st.integers(0, 255),
        cumulative_lost=st.integers(-(1 << 23), (1 << 23) - 1),
        highest_sequence_number=words,
        jitter=words,
        last_sender_report=words,
        delay_since_last_sender_report=words,
    ),
    max_size=31,
).map(tuple)
sender_reports = st.builds(
    SenderReport,
    ssrc=words,
    ntp_timestamp=st.integers(0, (1 << 64) - 1),
    rtp_timestamp=words,
    packet_count=words,
    octet_count=words,
    blocks=blocks,
)


@given(sender_reports)
def test_sender_report_agrees_with_aiortc(report: SenderReport) -> None:
    assert decode_compound(report.encode()) == [report]
    (other,) = aiortc.rtp.RtcpPacket.parse(report.encode())
    assert isinstance(other, aiortc.rtp.RtcpSrPacket)
    info = other.sender_info
    assert (other.ssrc, info.ntp_timestamp, info.rtp_timestamp) == (
        *(report.ssrc, report.ntp_timestamp, report.rtp_timestamp),
    )
    assert (info.packet_count, info.octet_count) == (report.packet_count, report.octet_count)
    assert [(b.ssrc, b.fraction_lost, b.highest_sequence, b.jitter, b.lsr, b.dlsr) for b in other.reports] == [
        (
            *(b.ssrc, b.fraction_lost, b.highest_sequence_number, b.jitter),
            *(b.last_sender_report, b.delay_since_last_sender_report),
        )
        for b in report.blocks
    ]


@given(words, blocks)
def test_receiver_report_round_trip(ssrc: int, report_blocks: tuple[ReportBlock, ...]) -> None:
    report = ReceiverReport(ssrc=ssrc, blocks=report_blocks)
    assert decode_compound(report.encode()) == [report]


def test_negative_loss_is_twos_complement() -> None:
    data = ReceiverReport(ssrc=1, blocks=(ReportBlock(ssrc=2, cumulative_lost=-2),)).encode()
    assert data[13:16].hex() == "fffffe"


@pytest.mark.parametrize("data", ["80c80000", "81c800060000000100000000000000000000000000000000000000", "80c90000"])
def test_report_that_is_cut_off_is_rejected(data: str) -> None:
    raw = bytes.fromhex(data)
    raw += bytes(-len(raw) % 4)
    raw = raw[:2] + (len(raw) // 4 - 1).to_bytes(2, "big") + raw[4:]
    with pytest.raises(RtpError):
        decode_compound(raw)


def test_more_than_31_blocks_are_rejected() -> None:
    report = ReceiverReport(ssrc=1, blocks=(ReportBlock(ssrc=2),) * 32)
    with pytest.raises(RtpError, match="at most 31"):
        report.encode()
