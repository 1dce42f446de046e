from __future__ import annotations

from collections.abc import Sequence

import pytest

from livekit._util.callbacks import ignore
from livekit.server.media.connection_reports import MAX_REPORTS, ConnectionReports
from livekit.server.media.forwarder import Forwarder
from livekit.server.media.publisher_limit import PublisherLimit
from livekit.server.media.track_output import TrackOutput
from livekit.server.media.track_streams import TrackStreams
from livekit.webrtc.media_interfaces import MediaKind
from livekit.webrtc.rtp.rtcp import (
    FullIntraRequest,
    Goodbye,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    encode_compound,
)
from tests.server.media.media_packets import OPUS, VP8, audio, sender_report, video


class _Connection:
    def __init__(self, now: float = 0.0) -> None:
        self.sent: list[list[RtcpPacket]] = []
        self.resent: list[int] = []
        self.reports = ConnectionReports(self._send, now)

    def _send(self, packets: Sequence[RtcpPacket]) -> None:
        assert len(encode_compound(packets)) < 1200
        self.sent.append(list(packets))

    def _resend(self, header: bytes, payload: bytes, sequence_number: int) -> None:
        self.resent.append(sequence_number)

    def track(self, kind: MediaKind = MediaKind.AUDIO) -> TrackStreams:
        track = TrackStreams(kind, PublisherLimit())
        track.use_section([OPUS] if kind is MediaKind.AUDIO else [VP8], None, self._send)
        self.reports.add_track(track)
        return track

    def output(self, ssrc: int = 77, kind: MediaKind = MediaKind.AUDIO) -> TrackOutput:
        codec = OPUS if kind is MediaKind.AUDIO else VP8
        forwarder = Forwarder(ssrc, codec.clock_rate, codecs=[codec], sequence_number=0, timestamp=0)
        output = TrackOutput(forwarder, ignore, self._resend)
        self.reports.add_output(output, "PA_a|TR_a")
        return output


def test_publisher_receives_a_report_each_second() -> None:
    connection = _Connection()
    track = connection.track()
    connection.reports.add_track(track)
    assert connection.reports.next_poll == 1.0
    track.receive(audio(5), "", 0.5)
    for now in (0.9, 1.0, 1.5, 2.0):
        connection.reports.poll(now)
    assert [type(packet) for packets in connection.sent for packet in packets] == [ReceiverReport] * 2
    connection.reports.remove_track(track)
    connection.reports.remove_track(track)
    connection.reports.poll(3.0)
    assert len(connection.sent) == 2
    assert connection.reports.next_poll is None


def test_subscriber_receives_sender_reports_each_three_seconds() -> None:
    publisher, subscriber = _Connection(), _Connection()
    track, output = publisher.track(), subscriber.output()
    track.add(output, 0.0)
    assert subscriber.reports.next_poll == 3.0
    track.receive(audio(0), "", 0.0)
    subscriber.reports.poll(3.0)
    assert subscriber.sent == []  # no report of the publisher yet
    publisher.reports.receive([sender_report(1000.0, 0)], 4.0)
    subscriber.reports.poll(6.0)
    [[report, description]] = subscriber.sent
    assert isinstance(report, SenderReport)
    assert (report.ssrc, report.rtp_timestamp, report.packet_count) == (77, 96_000, 1)
    assert description == SourceDescription(((77, "PA_a|TR_a"),))
    subscriber.reports.receive([_answer(report)], 6.1)
    assert output.forwarder.stats(7.0).round_trip_time == pytest.approx(0.1, abs=0.001)


def _answer(report: SenderReport) -> ReceiverReport:
    block = ReportBlock(ssrc=77, last_sender_report=report.ntp_timestamp >> 16 & 0xFFFF_FFFF)
    return ReceiverReport(ssrc=1, blocks=(block,))


def test_many_sender_reports_share_several_packets() -> None:
    publisher, subscriber = _Connection(), _Connection()
    track = publisher.track()
    outputs = [subscriber.output(ssrc) for ssrc in range(1, 2 * MAX_REPORTS + 2)]
    for output in outputs:
        track.add(output, 0.0)
    track.receive(audio(0), "", 0.0)
    publisher.reports.receive([sender_report(1000.0, 0)], 1.0)
    subscriber.reports.poll(3.0)
    assert [len(packets) for packets in subscriber.sent] == [MAX_REPORTS + 1, MAX_REPORTS + 1, 2]
    for output in outputs:
        subscriber.reports.remove_output(output)
    subscriber.reports.poll(6.0)
    assert len(subscriber.sent) == 3


def test_both_directions_have_the_earlier_deadline() -> None:
    connection = _Connection(10.0)
    connection.output()
    connection.track()
    assert connection.reports.next_poll == 11.0


def test_lost_packets_are_sent_again_on_request() -> None:
    publisher, subscriber = _Connection(), _Connection()
    track, output = publisher.track(MediaKind.VIDEO), subscriber.output(kind=MediaKind.VIDEO)
    track.add(output, 0.0)
    for number in range(3):
        track.receive(video(number, key=not number), "", 0.0)
    subscriber.reports.receive([Nack(sender_ssrc=1, media_ssrc=77, sequence_numbers=(0, 2, 5))], 1.0)
    assert subscriber.resent == [0, 2]


@pytest.mark.parametrize(
    "request_",
    [PictureLossIndication(sender_ssrc=1, media_ssrc=77), FullIntraRequest(sender_ssrc=1, requests=((77, 1),))],
)
def test_request_for_a_key_frame_is_passed_on(request_: RtcpPacket) -> None:
    publisher, subscriber = _Connection(), _Connection()
    track, output = publisher.track(MediaKind.VIDEO), subscriber.output(kind=MediaKind.VIDEO)
    track.add(output, 0.0)
    track.receive(video(0, key=True), "", 0.0)
    publisher.sent.clear()
    subscriber.reports.receive([request_], 2.0)
    assert publisher.sent == [[PictureLossIndication(sender_ssrc=1, media_ssrc=1)]]


def test_packets_about_foreign_sources_change_nothing() -> None:
    connection = _Connection()
    track, output = connection.track(), connection.output()
    track.receive(audio(0), "", 0.0)
    connection.reports.receive(
        [
            sender_report(1.0, 0, ssrc=99),
            ReceiverReport(ssrc=1, blocks=(ReportBlock(ssrc=99, cumulative_lost=5),)),
            Nack(sender_ssrc=1, media_ssrc=99, sequence_numbers=(1,)),
            PictureLossIndication(sender_ssrc=1, media_ssrc=99),
            FullIntraRequest(sender_ssrc=1, requests=((99, 1),)),
            Goodbye((1,)),
        ],
        1.0,
    )
    assert (connection.sent, connection.resent, output.forwarder.remote.lost) == ([], [], 0)
    assert track.streams[1].clock is None
