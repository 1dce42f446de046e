from __future__ import annotations

from livekit.server.media.forwarder import Forwarder
from livekit.server.media.quality import QualityWindow
from livekit.server.media.quality_windows import NO_REPORT_TIMEOUT, ForwardedWindows, PublishedWindows
from livekit.webrtc.rtp.rtcp import ReportBlock
from tests.server.media.media_packets import OPUS, audio, audio_stream, send_all, sender_report


def test_published_windows_count_the_loss_before_the_server() -> None:
    stream = audio_stream()
    windows = PublishedWindows(stream)
    assert windows.next(5.0) is None
    for number in (0, 1, 3, 5):
        stream.receive(audio(number), 0.02 * number)
    assert windows.next(5.0) == QualityWindow(6, 2)
    stream.receive(audio(4), 5.1)
    stream.receive(audio(6), 5.1)
    assert windows.next(10.0) == QualityWindow(1, -1)
    assert windows.next(15.0) == QualityWindow(0, 0)


def test_source_whose_reports_stopped_too_is_silent() -> None:
    stream = audio_stream()
    windows = PublishedWindows(stream)
    stream.receive(audio(0), 0.0)
    stream.receive_sender_report(sender_report(1.0, 0), 1.0)
    assert windows.next(5.0) == QualityWindow(1, 0)
    assert windows.next(10.0) == QualityWindow(0, 0, is_silent_source=True)


def _subscriber() -> tuple[Forwarder, ForwardedWindows]:
    stream = audio_stream()
    forwarder = Forwarder(7, 48_000, codecs=[OPUS])
    forwarder.select(stream)
    windows = ForwardedWindows(forwarder, 0.0)
    send_all(forwarder, stream, map(audio, [0, 1, 3, 4, 5]))
    return forwarder, windows


def test_forwarded_windows_count_the_loss_behind_the_server_only() -> None:
    forwarder, windows = _subscriber()
    assert windows.next(1.0) is None  # not reported on yet
    forwarder.receive_report(ReportBlock(ssrc=7, cumulative_lost=3), 2.0)
    assert windows.next(5.0) == QualityWindow(6, 2)
    assert windows.next(10.0) is None  # nothing was sent


def test_subscriber_that_reports_nothing_is_rated_after_a_while() -> None:
    forwarder, windows = _subscriber()
    assert windows.next(NO_REPORT_TIMEOUT) is None
    assert windows.next(NO_REPORT_TIMEOUT + 0.1) == QualityWindow(0, 0)
    forwarder.receive_report(ReportBlock(ssrc=7), 31.0)
    assert windows.next(35.0) == QualityWindow(6, -1)
