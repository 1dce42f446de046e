from __future__ import annotations

import pytest

from livekit.server.media.forwarder import Forwarder
from livekit.server.media.published_stream import PublishedStream
from livekit.webrtc.media_interfaces import Codec, MediaKind
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.red import RedundantBlock, encode_red
from livekit.webrtc.rtp.rtcp import ReportBlock
from tests.server.media.media_packets import (
    OPUS,
    RED,
    VP8,
    audio,
    audio_stream,
    padding,
    parse,
    send,
    send_all,
    sender_report,
    video,
    video_stream,
)


def _forwarder(stream: PublishedStream | None = None, *, first: int = 1000, timestamp: int = 5000) -> Forwarder:
    forwarder = Forwarder(77, 48_000, codecs=[RED, OPUS], sequence_number=first, timestamp=timestamp)
    forwarder.select(stream)
    return forwarder


def _video_forwarder(stream: PublishedStream) -> Forwarder:
    forwarder = Forwarder(77, 90_000, codecs=[VP8], sequence_number=1000, timestamp=5000)
    forwarder.select(stream)
    return forwarder


def test_header_is_rewritten_and_the_payload_passed() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    packet = audio(40_000)
    packet.marker, packet.csrcs, packet.extension_profile, packet.extension = True, (5,), 0xBEDE, b"\x10\x8a\0\0"
    sent = send(forwarder, stream, packet, 0.0)
    assert sent == (1000, 5000, b"frame 40000", 111, True, 77)
    assert (forwarder.packets, forwarder.octets) == (1, len(b"frame 40000"))


def test_random_start_leaves_room_before_the_rollover() -> None:
    for _ in range(50):
        stream = audio_stream()
        forwarder = Forwarder(77, 48_000, codecs=[OPUS])
        forwarder.select(stream)
        sent = send(forwarder, stream, audio(5), 0.0)
        assert sent is not None
        assert sent.sequence_number < 1 << 15


def test_both_sides_roll_over() -> None:
    stream = audio_stream()
    sent = send_all(_forwarder(stream, first=65_500, timestamp=0xFFFF_0000), stream, map(audio, range(65_400, 65_700)))
    assert [packet.sequence_number for packet in sent] == [n & 0xFFFF for n in range(65_500, 65_800)]
    assert [packet.timestamp for packet in sent] == [(0xFFFF_0000 + 960 * n) & 0xFFFF_FFFF for n in range(300)]


def test_gaps_stay_and_late_packets_keep_their_place() -> None:
    stream = audio_stream()
    sent = send_all(_forwarder(stream), stream, map(audio, [100, 103, 101, 99, 104, 103]))
    assert [(packet.sequence_number, packet.payload) for packet in sent] == [
        (1000, b"frame 100"),
        (1003, b"frame 103"),
        (1001, b"frame 101"),
        (1004, b"frame 104"),
    ]
    assert [packet.timestamp - 5000 for packet in sent] == [0, 2880, 960, 3840]


def test_padding_is_dropped_and_closed() -> None:
    stream = audio_stream()
    packets = [audio(1), padding(2), padding(3), audio(4), padding(6), audio(7), audio(5)]
    sent = send_all(_forwarder(stream), stream, packets)
    assert [(packet.sequence_number, packet.payload) for packet in sent] == [
        (1000, b"frame 1"),
        (1001, b"frame 4"),
        (1003, b"frame 7"),
        (1002, b"frame 5"),
    ]


def test_padding_of_a_media_packet_is_removed() -> None:
    stream = audio_stream()
    packet = audio(1)
    packet.padding_size = 10
    sent = send(_forwarder(stream), stream, packet, 0.0)
    assert sent is not None
    assert sent.payload == b"frame 1"


def test_republished_stream_continues_by_the_time_that_has_passed() -> None:
    old, new = audio_stream(1), audio_stream(2)
    forwarder = _forwarder(old)
    send_all(forwarder, old, map(audio, range(10)))  # the last at 0.18 s
    forwarder.select(new)
    assert send(forwarder, old, audio(10), 0.2) is None
    sent = send(forwarder, new, audio(777), 1.18)
    assert sent is not None
    assert (sent.sequence_number, sent.timestamp) == (1010, 5000 + 9 * 960 + 48_000)


def test_switch_without_delay_advances_by_a_frame() -> None:
    old, new = audio_stream(1), audio_stream(2)
    forwarder = _forwarder(old)
    send(forwarder, old, audio(0), 0.0)
    forwarder.select(new)
    sent = send(forwarder, new, audio(5000), 0.001)
    assert sent is not None
    assert (sent.sequence_number, sent.timestamp) == (1001, 5000 + 960)


def test_packets_of_other_streams_are_not_forwarded() -> None:
    stream, other = audio_stream(1), audio_stream(2)
    forwarder = _forwarder(stream)
    send(forwarder, stream, audio(0), 0.0)
    assert send(forwarder, other, audio(1), 0.02) is None
    forwarder.select(None)
    assert send(forwarder, stream, audio(1), 0.02) is None
    assert forwarder.stream is None


def test_pause_leaves_no_gap_and_keeps_the_timeline() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    send_all(forwarder, stream, map(audio, range(5)))
    forwarder.paused = True
    assert send_all(forwarder, stream, map(audio, range(5, 55)), 0.1) == []
    forwarder.paused = False
    sent = send_all(forwarder, stream, map(audio, [55, 54, 57, 4]), 1.1)
    assert [(packet.sequence_number, packet.timestamp) for packet in sent] == [
        (1005, 5000 + 55 * 960),
        (1007, 5000 + 57 * 960),
    ]


def test_late_packet_from_before_a_pause_keeps_its_place() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    send_all(forwarder, stream, map(audio, [0, 2]))
    forwarder.paused = True
    late = send(forwarder, stream, audio(1), 0.06)
    assert late is not None
    assert (late.sequence_number, late.payload) == (1001, b"frame 1")


def test_late_packet_does_not_end_a_pause() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    send_all(forwarder, stream, map(audio, range(5)))
    forwarder.paused = True
    send_all(forwarder, stream, map(audio, [5, 6, 8, 9]), 0.1)
    forwarder.paused = False
    sent = send_all(forwarder, stream, map(audio, [7, 10]), 0.2)
    assert [(packet.sequence_number, packet.payload) for packet in sent] == [(1005, b"frame 10")]


@pytest.mark.parametrize("jump", [0, 1_000_000, 2**31, 2**32 - 5000])
def test_timeline_that_stood_still_or_jumped_over_a_pause_is_corrected(jump: int) -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    send(forwarder, stream, audio(0), 0.0)
    forwarder.paused = True
    forwarder.paused = False
    packet = audio(1)
    packet.timestamp = (960 + jump) & 0xFFFF_FFFF
    sent = send(forwarder, stream, packet, 2.0)
    assert sent is not None
    assert (sent.sequence_number, sent.timestamp) == (1001, 5000 + 96_000)


def test_restarted_source_is_no_jump() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    send_all(forwarder, stream, map(audio, range(5)))
    sent = send_all(forwarder, stream, map(audio, [30_000, 30_001, 30_002]), 0.1)
    assert [(packet.sequence_number, packet.payload) for packet in sent] == [
        (1005, b"frame 30001"),
        (1006, b"frame 30002"),
    ]
    assert [packet.timestamp for packet in sent] == [5000 + 6 * 960, 5000 + 7 * 960]


def test_long_loss_is_the_gap_of_the_input() -> None:
    stream = audio_stream()
    sent = send_all(_forwarder(stream), stream, map(audio, [0, 1, 1001, 1002]))
    assert [packet.sequence_number for packet in sent] == [1000, 1001, 2001, 2002]


# Payload types


def test_payload_types_are_the_subscribers() -> None:
    stream = audio_stream()
    forwarder = Forwarder(77, 48_000, codecs=[_renumbered(RED, 110), OPUS], sequence_number=0)
    forwarder.select(stream)
    sent = send_all(forwarder, stream, [audio(0, payload_type=63), audio(1)])
    assert [packet.payload_type for packet in sent] == [110, 111]


def test_red_is_unwrapped_for_a_subscriber_without_it() -> None:
    stream = audio_stream()
    forwarder = Forwarder(77, 48_000, codecs=[_renumbered(OPUS, 96)], sequence_number=0)
    forwarder.select(stream)
    packet = audio(1, payload_type=63)
    packet.payload = encode_red(b"new", [RedundantBlock(111, 960, b"old")], 111)
    sent = send(forwarder, stream, packet, 0.0)
    assert sent is not None
    assert (sent.payload_type, sent.payload) == (96, b"new")


def test_malformed_red_is_dropped_and_closed() -> None:
    stream = audio_stream()
    forwarder = Forwarder(77, 48_000, codecs=[OPUS], sequence_number=0, timestamp=0)
    forwarder.select(stream)
    packets = [audio(n, payload_type=63) for n in range(5)]
    for number, packet in enumerate(packets):
        packet.payload = b"\xff" if number in (0, 2) else b"\x6f" + packet.payload
    packets[3], packets[4] = packets[4], packets[3]
    sent = send_all(forwarder, stream, packets)
    assert [(packet.sequence_number, packet.payload) for packet in sent] == [
        (0, b"frame 1"),
        (2, b"frame 4"),
        (1, b"frame 3"),
    ]


def test_payload_types_that_the_subscriber_lacks_are_dropped_and_closed() -> None:
    pcmu = Codec(payload_type=0, name="PCMU", clock_rate=8000)
    stream = PublishedStream(1, MediaKind.AUDIO, [OPUS, pcmu])
    forwarder = _forwarder(stream)
    kinds = [0, 111, 0, 111, 0, 0, 111, 111, 0, 111]
    packets = [audio(n, payload_type=kind) for n, kind in enumerate(kinds)]
    packets.append(packets.pop(7))  # late
    sent = send_all(forwarder, stream, packets)
    assert [(packet.sequence_number, packet.payload) for packet in sent] == [
        (1000, b"frame 1"),
        (1001, b"frame 3"),
        (1002, b"frame 6"),
        (1004, b"frame 9"),
        (1003, b"frame 7"),
    ]
    assert [packet.timestamp - 5000 for packet in sent] == [0, 1920, 4800, 7680, 5760]


def test_renegotiated_codecs_take_effect_at_once_without_a_gap() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    send(forwarder, stream, audio(0), 0.0)
    forwarder.codecs = [_renumbered(OPUS, 96)]
    sent = send(forwarder, stream, audio(1), 0.02)
    assert sent == (1001, 5960, b"frame 1", 96, False, 77)
    forwarder.codecs = []
    assert send(forwarder, stream, audio(2), 0.04) is None


def _renumbered(codec: Codec, payload_type: int) -> Codec:
    return Codec(
        payload_type=payload_type,
        name=codec.name,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        parameters=codec.parameters,
    )


# Video


def test_video_starts_at_a_key_frame_and_asks_for_one() -> None:
    stream = video_stream()
    forwarder = _video_forwarder(stream)
    assert stream.key_frames.pending
    sent = send_all(forwarder, stream, [video(1), video(2), video(3, key=True), video(4)])
    assert [(packet.sequence_number, packet.payload[2:]) for packet in sent] == [
        (1000, b"frame 3"),
        (1001, b"frame 4"),
    ]
    assert not stream.key_frames.pending


def test_layer_is_switched_at_its_key_frame_and_forwarded_until_then() -> None:
    low, high = video_stream(1), video_stream(2)
    forwarder = _video_forwarder(low)
    send(forwarder, low, video(1, key=True), 0.0)
    forwarder.select(high)
    assert high.key_frames.pending
    sent = [
        send(forwarder, low, video(2), 0.033),
        send(forwarder, high, video(500), 0.034),
        send(forwarder, low, video(3), 0.067),
        send(forwarder, high, video(501, key=True), 0.068),
        send(forwarder, low, video(4), 0.1),
        send(forwarder, high, video(502), 0.101),
    ]
    assert [packet and (packet.sequence_number, packet.payload[2:]) for packet in sent] == [
        (1001, b"frame 2"),
        None,
        (1002, b"frame 3"),
        (1003, b"frame 501"),
        None,
        (1004, b"frame 502"),
    ]


def test_layers_are_aligned_by_their_sender_reports() -> None:
    low, high = video_stream(1), video_stream(2)
    low.receive_sender_report(sender_report(10.0, 900_000), 0.0)
    high.receive_sender_report(sender_report(10.5, 7_000_000), 0.0)
    forwarder = _video_forwarder(low)
    send(forwarder, low, video(1, key=True, timestamp=900_000), 0.0)
    forwarder.select(high)
    # Captured at 10.6 s, which is 0.6 s after the first; it arrives 0.55 s after it.
    sent = send(forwarder, high, video(1, key=True, timestamp=7_009_000), 0.55)
    assert sent is not None
    assert sent.timestamp == 5000 + 54_000


def test_paused_video_waits_for_a_key_frame() -> None:
    stream = video_stream()
    forwarder = _video_forwarder(stream)
    send(forwarder, stream, video(1, key=True), 0.0)
    forwarder.paused = True
    assert send(forwarder, stream, video(2), 0.03) is None
    forwarder.paused = False
    assert stream.key_frames.pending
    assert send(forwarder, stream, video(3), 0.07) is None
    sent = send(forwarder, stream, video(4, key=True), 0.1)
    assert sent is not None
    assert (sent.sequence_number, sent.timestamp) == (1001, 5000 + 9000)


def test_lost_video_is_sent_again_exactly() -> None:
    low, high = video_stream(1), video_stream(2)
    forwarder = _video_forwarder(low)
    sent = send_all(forwarder, low, [video(1, key=True), padding(2, payload_type=96), video(3), video(5)])
    forwarder.select(high)
    sent += send_all(forwarder, high, [video(9, key=True), video(10)], 0.1)
    for packet in sent:
        again = forwarder.retransmit(packet.sequence_number)
        assert again is not None
        assert parse(again) == packet
    assert forwarder.retransmit(1002) is None  # packet 4 never arrived
    assert forwarder.retransmit(999) is None
    assert forwarder.retransmit(1010) is None
    assert forwarder.retransmitted == len(sent)
    late = send(forwarder, low, video(4), 0.2)
    again = forwarder.retransmit(1002)
    assert late is not None
    assert again is not None
    assert parse(again) == late


def test_packet_is_sent_again_under_its_payload_type_after_a_renegotiation() -> None:
    stream = video_stream()
    forwarder = _video_forwarder(stream)
    sent = send_all(forwarder, stream, [video(1, key=True), video(2)])
    forwarder.codecs = [_renumbered(VP8, 120)]
    sent += send_all(forwarder, stream, [video(3)], 0.1)
    assert [packet.payload_type for packet in sent] == [96, 96, 120]
    for packet in sent:
        again = forwarder.retransmit(packet.sequence_number)
        assert again is not None
        assert parse(again) == packet


def test_audio_is_not_sent_again() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    sent = send(forwarder, stream, audio(1), 0.0)
    assert sent is not None
    assert forwarder.retransmit(sent.sequence_number) is None


# Reports


def test_sender_report_relates_the_publishers_clock_to_the_rewritten_timestamps() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    assert forwarder.sender_report(0.0) is None
    send_all(forwarder, stream, map(audio, range(100, 105)))
    assert forwarder.sender_report(0.1) is None
    stream.receive_sender_report(sender_report(1000.0, 102 * 960), 0.05)
    report = forwarder.sender_report(3.05)
    assert report is not None
    assert (report.ssrc, report.packet_count, report.octet_count) == (77, 5, 5 * len(b"frame 100"))
    assert report.ntp_timestamp / 2**32 == pytest.approx(1003.0)
    assert report.rtp_timestamp == 5000 + 2 * 960 + 3 * 48_000


def test_sender_report_follows_the_stream_and_outlives_a_pause() -> None:
    old, new = audio_stream(1), audio_stream(2)
    forwarder = _forwarder(old)
    send(forwarder, old, audio(0), 0.0)
    old.receive_sender_report(sender_report(1000.0, 0), 0.0)
    forwarder.paused = True
    report = forwarder.sender_report(1.0)
    assert report is not None
    assert report.rtp_timestamp == 5000 + 48_000
    forwarder.paused = False
    forwarder.select(new)
    send(forwarder, new, audio(5000), 2.0)
    assert forwarder.sender_report(2.0) is None
    new.receive_sender_report(sender_report(1002.0, 5000 * 960), 2.0)
    report = forwarder.sender_report(2.0)
    assert report is not None
    assert report.rtp_timestamp == 5000 + 96_000


def test_timestamps_of_a_report_wrap() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream, timestamp=0xFFFF_FFFF)
    send(forwarder, stream, audio(0), 0.0)
    stream.receive_sender_report(sender_report(2**32 - 0.5, 0), 0.0)
    report = forwarder.sender_report(1.0)
    assert report is not None
    assert report.rtp_timestamp == 47_999
    assert report.ntp_timestamp / 2**32 == pytest.approx(0.5)


def test_stats_have_what_the_subscriber_reports() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    send_all(forwarder, stream, map(audio, [0, 1, 3]))
    forwarder.receive_report(ReportBlock(ssrc=77, cumulative_lost=2, jitter=480), 0.5)
    stats = forwarder.stats(2.0)
    assert (stats.packets, stats.bytes, stats.lost, stats.jitter) == (3, 21, 2, 0.01)
    assert (stats.bitrate, stats.round_trip_time) == (8 * 21 / 2, None)
    assert forwarder.gaps == 1


def test_packet_of_a_section_without_codecs_is_dropped() -> None:
    stream = audio_stream()
    forwarder = Forwarder(77, 48_000)
    forwarder.select(stream)
    assert send(forwarder, stream, audio(0), 0.0) is None
    forwarder.codecs = [OPUS]
    assert send(forwarder, stream, audio(1), 0.0) is not None


def test_timestamps_out_of_range_do_not_exist() -> None:
    stream = audio_stream()
    forwarder = _forwarder(stream)
    sent = send(forwarder, stream, RtpPacket(111, 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, b"x"), 0.0)
    assert sent is not None
