from __future__ import annotations

import pytest

from livekit.webrtc.rtp.remote_reception import REMEMBERED_REPORTS, RemoteReception
from livekit.webrtc.rtp.rtcp import ReportBlock


def test_report_gives_loss_and_jitter() -> None:
    remote = RemoteReception(48_000)
    remote.receive(ReportBlock(ssrc=1, fraction_lost=64, cumulative_lost=7, jitter=960), 3.0)
    assert (remote.lost, remote.fraction_lost, remote.jitter, remote.received_at) == (7, 0.25, 0.02, 3.0)
    assert remote.round_trip_time is None


def test_round_trip_time_comes_from_the_report_that_the_block_answers() -> None:
    remote = RemoteReception(48_000)
    for number in range(1, 4):
        remote.sent_report(number << 32, float(number))
    block = ReportBlock(ssrc=1, last_sender_report=2 << 16, delay_since_last_sender_report=65_536)
    remote.receive(block, 3.1)
    assert remote.round_trip_time == pytest.approx(0.1)


def test_unknown_and_impossible_reports_give_no_round_trip_time() -> None:
    remote = RemoteReception(48_000)
    for number in range(REMEMBERED_REPORTS + 1):
        remote.sent_report(number << 32, float(number))
    for last in (0, 12_345):
        remote.receive(ReportBlock(ssrc=1, last_sender_report=last), 20.0)
        assert remote.round_trip_time is None
    block = ReportBlock(ssrc=1, last_sender_report=5 << 16, delay_since_last_sender_report=0xFFFF_FFFF)
    remote.receive(block, 20.0)
    assert remote.round_trip_time == 0
