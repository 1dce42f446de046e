from __future__ import annotations

from livekit.protocol import models
from livekit.server.media.forwarder import Forwarder
from livekit.server.media.quality import BEST
from livekit.server.media.track_quality import ForwardedQuality, PublishedQuality
from livekit.webrtc.rtp.rtcp import ReportBlock
from tests.server.media.media_packets import OPUS, audio, audio_stream, send_all

POOR, LOST = models.ConnectionQuality.POOR, models.ConnectionQuality.LOST


def test_published_track_is_rated_by_all_its_streams() -> None:
    quality = PublishedQuality()
    assert quality.rate([], muted=False, now=0.0) == BEST
    streams = [audio_stream(1), audio_stream(2)]
    assert quality.rate(streams, muted=False, now=5.0) == BEST
    for number in range(100):
        streams[0].receive(audio(number), 6.0)
    for number in (0, 99):
        streams[1].receive(audio(number), 6.0)
    rating = quality.rate(streams, muted=False, now=10.0)
    assert rating.quality == POOR  # 98 of 200 are lost
    assert quality.rate(streams, muted=True, now=15.0) == BEST
    assert quality.rate([], muted=True, now=20.0) == BEST


def test_published_track_that_stops_is_poor() -> None:
    quality, stream = PublishedQuality(), audio_stream()
    stream.receive(audio(0), 0.0)
    quality.rate([stream], muted=False, now=5.0)
    stream.receive(audio(1), 6.0)
    assert quality.rate([stream], muted=False, now=10.0) == BEST
    assert quality.rate([stream], muted=False, now=15.0).quality == POOR


def test_subscription_is_rated_by_the_subscribers_reports() -> None:
    stream = audio_stream()
    forwarder = Forwarder(7, 48_000)
    quality = ForwardedQuality(forwarder)
    assert quality.rate(0.0) == BEST
    forwarder.codecs = [OPUS]
    forwarder.select(stream)
    send_all(forwarder, stream, map(audio, range(100)))
    assert quality.rate(5.0) == BEST
    send_all(forwarder, stream, map(audio, range(100, 200)), 5.0)
    forwarder.receive_report(ReportBlock(ssrc=7, cumulative_lost=50), 9.0)
    assert quality.rate(10.0).quality == POOR
    forwarder.paused = True
    assert quality.rate(15.0) == BEST
