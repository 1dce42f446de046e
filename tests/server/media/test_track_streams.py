from __future__ import annotations

from collections.abc import Sequence

import pytest

from livekit.server import limits
from livekit.server.media.forwarder import Forwarder
from livekit.server.media.layers import LOW
from livekit.server.media.publisher_limit import PublisherLimit
from livekit.server.media.track_output import TrackOutput
from livekit.server.media.track_streams import REPLACED_AFTER, TrackStreams
from livekit.webrtc.media_interfaces import MediaKind
from livekit.webrtc.rtp.header_extensions import encode_extensions
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import Nack, PictureLossIndication, RtcpPacket
from tests.server.media.media_packets import OPUS, RED, VP8, audio, video


class _Publisher:
    """A track with its feedback."""

    def __init__(self, kind: MediaKind = MediaKind.AUDIO) -> None:
        self.feedback: list[RtcpPacket] = []
        self.limit = PublisherLimit()
        self.track = TrackStreams(kind, self.limit)
        self.track.use_section([RED, OPUS] if kind is MediaKind.AUDIO else [VP8], 1, self._send_rtcp)

    def _send_rtcp(self, packets: Sequence[RtcpPacket]) -> None:
        self.feedback += packets

    def send(self, packet: RtpPacket, now: float, *, ssrc: int = 1, rid: str = "") -> None:
        packet.ssrc = ssrc
        self.track.receive(packet, rid, now)


class _Subscriber:
    def __init__(self, kind: MediaKind = MediaKind.AUDIO, *, connected: bool = True) -> None:
        self.payloads: list[bytes] = []
        self.numbers: list[int] = []
        self.connected = connected
        is_audio = kind is MediaKind.AUDIO
        forwarder = Forwarder(
            *(77, 48_000 if is_audio else 90_000), codecs=[RED, OPUS] if is_audio else [VP8], sequence_number=0
        )
        self.output = TrackOutput(forwarder, self._send, self._send)

    def _send(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        if self.connected:
            self.payloads.append(payload)
            self.numbers.append(sequence_number)
        return self.connected


def test_packets_reach_every_subscriber() -> None:
    publisher, subscribers = _Publisher(), [_Subscriber() for _ in range(3)]
    for subscriber in subscribers:
        publisher.track.add(subscriber.output, 0.0)
    for number in range(3):
        publisher.send(audio(number), 0.02 * number)
    publisher.track.remove(subscribers[1].output, 0.06)
    publisher.send(audio(3), 0.06)
    assert [len(subscriber.payloads) for subscriber in subscribers] == [4, 3, 4]
    assert len(publisher.track.outputs) == 2


def test_dead_subscriber_costs_the_others_nothing() -> None:
    publisher, dead, alive = _Publisher(), _Subscriber(connected=False), _Subscriber()
    for subscriber in (dead, alive):
        publisher.track.add(subscriber.output, 0.0)
    for number in range(100):
        publisher.send(audio(number), 0.02 * number)
    assert (len(dead.payloads), alive.numbers) == (0, list(range(100)))


def test_late_subscriber_begins_with_the_next_packet() -> None:
    publisher, subscriber = _Publisher(), _Subscriber()
    publisher.send(audio(500), 0.0)
    publisher.track.add(subscriber.output, 0.01)
    publisher.send(audio(501), 0.02)
    assert (subscriber.payloads, subscriber.numbers) == ([b"frame 501"], [0])


def test_new_source_replaces_the_one_before() -> None:
    publisher, subscriber = _Publisher(), _Subscriber()
    publisher.track.add(subscriber.output, 0.0)
    publisher.send(audio(1), 0.0)
    publisher.send(audio(9000), 0.02, ssrc=2)
    publisher.send(audio(2), 0.021)
    publisher.send(audio(9001), 0.04, ssrc=2)
    publisher.track.poll(0.05)
    publisher.send(audio(9002), 0.06, ssrc=2)
    assert subscriber.payloads == [b"frame 1", b"frame 9000", b"frame 9001", b"frame 9002"]
    assert subscriber.numbers == [0, 1, 2, 3]


def test_source_that_returns_is_forwarded_again() -> None:
    publisher, subscriber = _Publisher(), _Subscriber()
    publisher.track.add(subscriber.output, 0.0)
    publisher.send(audio(1), 0.0)
    publisher.send(audio(9000), 0.02, ssrc=2)
    publisher.send(audio(100), 2.0)
    publisher.track.poll(2.01)
    publisher.send(audio(101), 2.02)
    assert subscriber.payloads == [b"frame 1", b"frame 9000", b"frame 101"]


def test_section_negotiated_anew_continues_without_a_jump() -> None:
    publisher, subscriber = _Publisher(), _Subscriber()
    publisher.track.add(subscriber.output, 0.0)
    publisher.send(audio(1), 0.0)
    publisher.track.use_section([RED, OPUS], 1, None)
    publisher.send(audio(2), 0.02)
    publisher.track.use_section([OPUS], None, None)
    publisher.track.poll(0.03)
    publisher.send(audio(3), 0.04)
    assert subscriber.numbers == [0, 1, 2]


def test_paused_subscription_sends_nothing_until_it_is_resumed() -> None:
    publisher, subscriber = _Publisher(), _Subscriber()
    publisher.track.add(subscriber.output, 0.0, paused=True)
    publisher.send(audio(1), 0.0)
    subscriber.output.set_paused(False, 0.01)
    publisher.send(audio(2), 0.02)
    assert subscriber.payloads == [b"frame 2"]


def test_section_that_is_reused_for_another_track_continues() -> None:
    first, second, subscriber = _Publisher(), _Publisher(), _Subscriber()
    first.track.add(subscriber.output, 0.0)
    first.send(audio(1), 0.0)
    first.track.remove(subscriber.output, 0.02)
    second.send(audio(700), 0.5)
    second.track.add(subscriber.output, 0.51)
    second.send(audio(701), 0.52)
    assert subscriber.numbers == [0, 1]


def test_sources_without_a_negotiated_codec_are_dropped() -> None:
    publisher = _Publisher()
    publisher.send(audio(1, payload_type=97), 0.0)
    assert (publisher.track.dropped, dict(publisher.track.streams)) == (1, {})


def test_sources_are_limited_and_old_ones_make_room() -> None:
    publisher = _Publisher()
    for ssrc in range(limits.MAX_STREAMS_PER_SECTION + 5):
        publisher.send(audio(1), 0.01 * ssrc, ssrc=ssrc)
    assert list(publisher.track.streams) == list(range(limits.MAX_STREAMS_PER_SECTION))
    assert publisher.track.dropped == 5
    publisher.send(audio(1), REPLACED_AFTER, ssrc=100)
    assert list(publisher.track.streams) == [*range(1, limits.MAX_STREAMS_PER_SECTION), 100]


def test_flood_is_dropped_before_it_costs_anything() -> None:
    publisher, subscriber = _Publisher(), _Subscriber()
    publisher.limit = PublisherLimit(packets_per_second=100)
    publisher.track = TrackStreams(MediaKind.AUDIO, publisher.limit)
    publisher.track.use_section([OPUS], None, None)
    publisher.track.add(subscriber.output, 0.0)
    for number in range(1000):
        publisher.send(audio(number), 0.0)
    assert (len(subscriber.numbers), publisher.limit.dropped) == (100, 900)


def test_level_is_the_loudest_of_the_sources() -> None:
    publisher = _Publisher()
    for number in range(22):
        for ssrc, level in ((1, 127), (2, 0)):
            packet = audio(number)
            packet.extension_profile, packet.extension = encode_extensions({1: bytes([level])})
            publisher.send(packet, 0.02 * number, ssrc=ssrc)
    assert publisher.track.level(0.44) == pytest.approx(2 / 3)
    assert TrackStreams(MediaKind.AUDIO, PublisherLimit()).level(0.0) == 0


# Video


def test_new_subscriber_of_video_makes_a_key_frame_be_requested_at_once() -> None:
    publisher, subscriber = _Publisher(MediaKind.VIDEO), _Subscriber(MediaKind.VIDEO)
    publisher.send(video(1), 0.0)
    assert publisher.feedback == []
    publisher.track.add(subscriber.output, 0.1)
    assert publisher.feedback == [PictureLossIndication(sender_ssrc=1, media_ssrc=1)]
    publisher.send(video(2), 0.2)
    publisher.send(video(3, key=True), 0.3)
    assert subscriber.payloads == [b"\x10\x00frame 3"]


def test_requests_are_repeated_until_the_key_frame_comes() -> None:
    publisher, subscriber = _Publisher(MediaKind.VIDEO), _Subscriber(MediaKind.VIDEO)
    publisher.send(video(1), 0.0)
    publisher.track.add(subscriber.output, 0.1)
    publisher.send(video(2), 1.2)
    publisher.track.poll(2.3)
    assert len(publisher.feedback) == 3
    publisher.send(video(3, key=True), 2.4)
    publisher.track.poll(9.0)
    assert len(publisher.feedback) == 3


def test_subscriber_may_request_a_key_frame_while_it_is_subscribed() -> None:
    publisher, subscriber = _Publisher(MediaKind.VIDEO), _Subscriber(MediaKind.VIDEO)
    publisher.track.add(subscriber.output, 0.0)
    subscriber.output.request_key_frame(0.0)
    assert publisher.feedback == []  # nothing to request it from
    publisher.send(video(1, key=True), 0.1)
    publisher.feedback.clear()
    subscriber.output.request_key_frame(5.0)
    subscriber.output.request_key_frame(5.1)
    assert len(publisher.feedback) == 1
    publisher.track.remove(subscriber.output, 6.0)
    subscriber.output.request_key_frame(9.0)
    assert len(publisher.feedback) == 1


def test_lost_video_is_requested_at_once() -> None:
    publisher = _Publisher(MediaKind.VIDEO)
    publisher.send(video(1), 0.0)
    publisher.send(video(3), 0.03)
    assert publisher.feedback == [Nack(sender_ssrc=1, media_ssrc=1, sequence_numbers=(2,))]


def test_layer_follows_the_wanted_quality_at_key_frames() -> None:
    publisher, subscriber = _Publisher(MediaKind.VIDEO), _Subscriber(MediaKind.VIDEO)
    publisher.track.add(subscriber.output, 0.0)
    publisher.send(video(100, key=True), 0.0, ssrc=1, rid="q")
    publisher.send(video(200, key=True), 0.01, ssrc=2, rid="h")
    subscriber.output.quality = LOW
    publisher.track.choose(subscriber.output, 0.02)
    publisher.send(video(201), 0.03, ssrc=2, rid="h")
    publisher.send(video(101, key=True), 0.04, ssrc=1, rid="q")
    publisher.send(video(202), 0.05, ssrc=2, rid="h")
    assert [payload[2:] for payload in subscriber.payloads] == [b"frame 100", b"frame 200", b"frame 201", b"frame 101"]
    assert subscriber.numbers == [0, 1, 2, 3]


def test_layer_that_stops_is_replaced() -> None:
    publisher, subscriber = _Publisher(MediaKind.VIDEO), _Subscriber(MediaKind.VIDEO)
    publisher.track.add(subscriber.output, 0.0)
    publisher.send(video(100, key=True), 0.0, ssrc=1, rid="q")
    publisher.send(video(200, key=True), 0.01, ssrc=2, rid="h")
    publisher.feedback.clear()
    publisher.send(video(101), 2.0, ssrc=1, rid="q")
    publisher.track.poll(2.0)
    assert publisher.feedback == [PictureLossIndication(sender_ssrc=1, media_ssrc=1)]
    publisher.send(video(102, key=True), 2.1, ssrc=1, rid="q")
    assert subscriber.payloads[-1][2:] == b"frame 102"
