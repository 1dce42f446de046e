from __future__ import annotations

from livekit.server.media.reports import MAX_VIDEO_BITRATE, receiver_reports
from livekit.webrtc.rtp.rtcp import ReceiverEstimatedMaximumBitrate, ReceiverReport, encode_compound
from tests.server.media.media_packets import audio, audio_stream, video_stream


def test_each_stream_has_a_block_and_video_a_bitrate() -> None:
    streams = [audio_stream(1), video_stream(2), video_stream(3)]
    streams[0].receive(audio(5), 0.0)
    report, remb = receiver_reports(9, streams, 1.0)
    assert isinstance(report, ReceiverReport)
    assert [(block.ssrc, block.highest_sequence_number) for block in report.blocks] == [(1, 5), (2, 0), (3, 0)]
    assert remb == ReceiverEstimatedMaximumBitrate(sender_ssrc=9, bitrate=MAX_VIDEO_BITRATE, ssrcs=(2, 3))


def test_audio_alone_has_no_bitrate() -> None:
    assert [type(packet) for packet in receiver_reports(9, [audio_stream()], 1.0)] == [ReceiverReport]


def test_report_without_streams_is_empty() -> None:
    assert receiver_reports(9, [], 1.0) == [ReceiverReport(ssrc=9)]


def test_many_streams_share_several_reports() -> None:
    packets = receiver_reports(9, [video_stream(ssrc) for ssrc in range(300)], 1.0)
    assert encode_compound(packets)
    blocks = [len(packet.blocks) for packet in packets if isinstance(packet, ReceiverReport)]
    assert sum(blocks) == 300
    assert max(blocks) == 31
