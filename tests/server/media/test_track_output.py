from __future__ import annotations

from livekit.server.media.forwarder import Forwarder
from livekit.server.media.silence import CLOSING_FRAMES, SILENT_FRAMES
from livekit.server.media.track_output import MAX_RETRANSMISSIONS, TrackOutput
from tests.server.media.media_packets import (
    OPUS,
    VP8,
    audio,
    audio_stream,
    send_all,
    video,
    video_stream,
)


class _Wire:
    def __init__(self) -> None:
        self.sent: list[int] = []
        self.resent: list[int] = []

    def send(self, header: bytes, payload: bytes, sequence_number: int) -> None:
        self.sent.append(sequence_number)

    def resend(self, header: bytes, payload: bytes, sequence_number: int) -> None:
        self.resent.append(sequence_number)


def _output(wire: _Wire, *, trailer: bytes = b"") -> TrackOutput:
    stream = audio_stream()
    forwarder = Forwarder(77, 48_000, codecs=[OPUS], sequence_number=0)
    forwarder.select(stream)
    send_all(forwarder, stream, map(audio, range(5)))
    return TrackOutput(forwarder, wire.send, wire.resend, trailer=trailer)


def _run(output: TrackOutput, start: float) -> None:
    for tick in range(200):
        output.poll(start + 0.01 * tick + 1e-6)


def test_pause_begins_with_a_second_of_silence() -> None:
    wire = _Wire()
    output = _output(wire)
    output.set_paused(True, 1.0)
    output.set_paused(True, 1.5)
    assert output.next_poll == 1.0
    _run(output, 1.0)
    assert wire.sent == list(range(5, 5 + SILENT_FRAMES))
    assert output.next_poll is None


def test_end_of_a_pause_ends_the_silence() -> None:
    wire = _Wire()
    output = _output(wire)
    output.set_paused(True, 1.0)
    output.poll(1.0)
    output.set_paused(False, 1.01)
    assert output.next_poll is None
    _run(output, 1.01)
    assert wire.sent == [5]


def test_end_of_a_track_is_a_shorter_silence() -> None:
    wire = _Wire()
    output = _output(wire)
    output.close(1.0)
    _run(output, 1.0)
    assert len(wire.sent) == CLOSING_FRAMES
    assert output.forwarder.stream is None


def test_muted_track_that_ends_sends_no_second_silence() -> None:
    wire = _Wire()
    output = _output(wire)
    output.set_paused(True, 1.0)
    _run(output, 1.0)
    output.close(3.0)
    _run(output, 3.0)
    assert len(wire.sent) == SILENT_FRAMES


def test_packets_are_sent_again_up_to_a_rate() -> None:
    wire = _Wire()
    stream = video_stream()
    forwarder = Forwarder(77, 90_000, codecs=[VP8], sequence_number=100)
    output = TrackOutput(forwarder, wire.send, wire.resend)
    forwarder.select(stream)
    send_all(forwarder, stream, (video(number, key=not number) for number in range(10)))
    output.retransmit([101, 99, 103], 0.0)
    assert wire.resent == [101, 103]
    for _ in range(MAX_RETRANSMISSIONS):
        output.retransmit(range(100, 110), 0.0)
    assert len(wire.resent) == MAX_RETRANSMISSIONS
    output.retransmit([101], 0.1)
    assert len(wire.resent) == MAX_RETRANSMISSIONS + 1
