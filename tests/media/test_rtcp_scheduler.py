"""The reports of one peer connection, on the virtual clock."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import pytest

from livekit._util.callbacks import ignore
from livekit.media.rtcp_scheduler import RtcpScheduler
from livekit.testing.clock import VirtualClock
from livekit.webrtc.media_interfaces import MediaConnection
from livekit.webrtc.rtp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    TransportWideFeedback,
    encode_compound,
)

REPORT = SenderReport(ssrc=1, ntp_timestamp=2, rtp_timestamp=3, packet_count=4, octet_count=5)


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


class FakeConnection:
    def __init__(self) -> None:
        self.on_rtcp: Callable[[Sequence[RtcpPacket | TransportWideFeedback]], None] = ignore
        self.sent: list[tuple[float, Sequence[RtcpPacket]]] = []

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> bool:
        self.sent.append((asyncio.get_running_loop().time(), packets))
        return True


class FakeSource:
    def __init__(self, *reports: RtcpPacket) -> None:
        self.made = reports
        self.received: list[object] = []

    def reports(self, now: float) -> Sequence[RtcpPacket]:
        return self.made

    def receive_rtcp(self, packets: Sequence[object], now: float) -> None:
        self.received += packets


def scheduler(connection: FakeConnection) -> RtcpScheduler:
    return RtcpScheduler(cast("MediaConnection", connection), "name")


async def test_reports_are_sent_at_random_intervals() -> None:
    connection = FakeConnection()
    schedule = scheduler(connection)
    schedule.add(FakeSource(REPORT))
    await asyncio.sleep(200.0)
    times = [at for at, _ in connection.sent]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert 0.25 <= times[0] <= 0.75
    assert min(gaps) >= 1.0
    assert max(gaps) <= 3.0
    assert len({round(gap, 3) for gap in gaps}) > 50
    assert connection.sent[0][1] == [REPORT, SourceDescription(((1, "name"),))]
    schedule.close()


async def test_many_reports_are_split_into_datagrams() -> None:
    connection = FakeConnection()
    schedule = scheduler(connection)
    for ssrc in range(100):
        schedule.add(FakeSource(ReceiverReport(ssrc=ssrc, blocks=(ReportBlock(ssrc=1000 + ssrc),))))
    await asyncio.sleep(0.8)
    assert sum(len(packets) - 1 for _, packets in connection.sent) == 100
    assert all(len(encode_compound(packets)) <= 1200 for _, packets in connection.sent)
    schedule.close()


async def test_nothing_to_report_sends_nothing() -> None:
    connection = FakeConnection()
    schedule = scheduler(connection)
    schedule.add(FakeSource())
    await asyncio.sleep(10.0)
    assert connection.sent == []
    schedule.close()


async def test_received_packets_go_to_all_sources() -> None:
    connection = FakeConnection()
    schedule = scheduler(connection)
    one, other = FakeSource(), FakeSource()
    schedule.add(one)
    schedule.add(other)
    connection.on_rtcp([REPORT])
    assert one.received == other.received == [REPORT]
    schedule.remove(one)
    connection.on_rtcp([REPORT])
    assert (len(one.received), len(other.received)) == (1, 2)
    schedule.close()


async def test_timer_runs_while_there_are_sources() -> None:
    connection = FakeConnection()
    schedule = scheduler(connection)
    source = FakeSource(REPORT)
    assert not _runs(schedule)
    schedule.add(source)
    assert _runs(schedule)
    schedule.remove(source)
    schedule.remove(source)
    assert not _runs(schedule)
    schedule.add(source)
    schedule.close()
    schedule.close()
    schedule.add(source)
    await asyncio.sleep(10.0)
    assert connection.sent == []
    assert connection.on_rtcp is ignore


def _runs(schedule: RtcpScheduler) -> bool:
    return schedule._timer is not None
