from __future__ import annotations

import pytest

from livekit.server.media.published_stream import PublishedStream
from livekit.webrtc.media_interfaces import MediaKind
from livekit.webrtc.rtp.header_extensions import AudioLevel, encode_extensions
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import Nack, PictureLossIndication
from tests.server.media.media_packets import (
    OPUS,
    VP8,
    audio,
    audio_stream,
    padding,
    sender_report,
    video,
    video_stream,
)


def _with_level(packet: RtpPacket, level: int, *, extension_id: int = 1) -> RtpPacket:
    packet.extension_profile, packet.extension = encode_extensions({extension_id: AudioLevel(level).encode()})
    return packet


def test_statistics_count_all_that_arrives() -> None:
    stream = audio_stream()
    for number in (1, 2, 4):
        stream.receive(audio(number), 0.02 * number)
    stream.receive(padding(5), 0.1)
    stats = stream.stats(2.0)
    assert (stats.packets, stats.bytes, stats.lost, stats.jitter) == (4, 3 * len(b"frame 1"), 1, 0.0)
    assert stats.bitrate == 8 * 21 / 2
    assert stats.round_trip_time is None
    assert stream.last_packet_at == 0.1


def test_payload_types_that_were_not_negotiated_have_no_position() -> None:
    stream = audio_stream()
    positions = [stream.receive(audio(n, payload_type=kind), 0.0) for n, kind in enumerate([111, 97, 63, 13, 111])]
    assert positions == [0, None, 1, None, 2]
    assert stream.newest == 2


def test_audio_level_is_read_from_its_extension() -> None:
    stream = audio_stream()
    for number in range(22):
        stream.receive(_with_level(audio(number), 20), 0.02 * number)
    assert stream.level.level(0.44) == pytest.approx(0.1 * 2 / 3)


def test_audio_level_of_another_extension_or_none_is_ignored() -> None:
    for extension_id, expected in ((None, 1), (1, 2)):
        stream = PublishedStream(1, MediaKind.AUDIO, [OPUS], audio_level_id=extension_id)
        for number in range(22):
            stream.receive(_with_level(audio(number), 0, extension_id=expected), 0.02 * number)
        assert stream.level.level(0.44) == 0


def test_sender_report_gives_the_clock_and_the_delay_in_reports() -> None:
    stream = audio_stream()
    stream.receive_sender_report(sender_report(5.0, 777), 1.0)
    assert stream.clock == (5 << 32, 777, 1.0)
    block = stream.report(1.5)
    assert (block.ssrc, block.last_sender_report, block.delay_since_last_sender_report) == (1, 5 << 16, 1 << 15)


def test_lost_video_is_requested_until_it_arrives() -> None:
    stream = video_stream()
    for number in (1, 4):
        stream.receive(video(number), 0.0)
    assert stream.feedback(9, 0.0) == [Nack(sender_ssrc=9, media_ssrc=1, sequence_numbers=(2, 3))]
    assert stream.feedback(9, 0.01) == []
    assert stream.receive(video(2), 0.02) == 2
    assert stream.feedback(9, 0.1) == [Nack(sender_ssrc=9, media_ssrc=1, sequence_numbers=(3,))]
    assert stream.buffer is not None
    packet = stream.buffer.get(2)
    assert packet is not None
    assert packet.payload.endswith(b"frame 2")


def test_requests_cross_the_rollover() -> None:
    stream = video_stream()
    for number in (65_534, 65_537):
        stream.receive(video(number), 0.0)
    assert stream.feedback(9, 0.0) == [Nack(sender_ssrc=9, media_ssrc=1, sequence_numbers=(65_535, 0))]
    stream.receive(video(65_536), 0.0)
    assert stream.feedback(9, 0.1) == [Nack(sender_ssrc=9, media_ssrc=1, sequence_numbers=(65_535,))]


def test_padding_that_was_lost_is_requested_no_more_once_it_arrives() -> None:
    stream = video_stream()
    for number in (1, 3):
        stream.receive(video(number), 0.0)
    stream.receive(padding(2, payload_type=96), 0.0)
    assert stream.feedback(9, 0.0) == []


def test_lost_audio_is_not_requested() -> None:
    stream = audio_stream()
    for number in (1, 4):
        stream.receive(audio(number), 0.0)
    assert stream.feedback(9, 0.0) == []
    assert stream.buffer is None


def test_key_frame_is_requested_until_it_arrives() -> None:
    stream = video_stream()
    assert stream.feedback(9, 5.0) == []
    stream.request_key_frame()
    stream.request_key_frame()
    request = PictureLossIndication(sender_ssrc=9, media_ssrc=1)
    assert stream.feedback(9, 5.0) == [request]
    stream.receive(video(1), 5.1)
    assert stream.feedback(9, 5.9) == []
    assert stream.feedback(9, 6.0) == [request]
    stream.receive(video(2, key=True), 6.1)
    assert stream.feedback(9, 9.0) == []


def test_key_frames_of_the_lowest_layer_may_be_requested_twice_per_second() -> None:
    stream = PublishedStream(1, MediaKind.VIDEO, [VP8], rid="q", is_low_layer=True)
    stream.request_key_frame()
    assert [len(stream.feedback(9, 0.1 * tenth)) for tenth in range(11)] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_audio_has_no_key_frames() -> None:
    stream = audio_stream()
    stream.request_key_frame()
    assert stream.feedback(9, 0.0) == []
