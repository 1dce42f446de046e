from __future__ import annotations

from livekit.server.media.forwarder import Forwarder
from livekit.server.media.published_stream import PublishedStream
from livekit.server.media.silence import OPUS_SILENCE, SILENT_FRAMES, Silence
from tests.server.media.media_packets import OPUS, RED, VP8, Sent, audio, audio_stream, parse, send, send_all


def _muted(*, frames: int = 5) -> tuple[PublishedStream, Forwarder]:
    stream = audio_stream()
    forwarder = Forwarder(77, 48_000, codecs=[RED, OPUS], sequence_number=100, timestamp=0)
    forwarder.select(stream)
    send_all(forwarder, stream, map(audio, range(frames)))
    forwarder.paused = True
    return stream, forwarder


def _run(silence: Silence, start: float, seconds: float) -> list[Sent]:
    return [
        parse(packet) for tick in range(round(seconds / 0.01)) for packet in silence.poll(start + 0.01 * tick + 1e-6)
    ]


def test_silence_is_one_second_and_then_nothing() -> None:
    _, forwarder = _muted()
    silence = Silence(forwarder, 0.1)
    sent = _run(silence, 0.1, 1.5)
    assert len(sent) == SILENT_FRAMES == 50
    assert [packet.sequence_number for packet in sent] == list(range(105, 155))
    assert [packet.timestamp for packet in sent] == [960 * frame for frame in range(5, 55)]
    assert {(packet.payload, packet.payload_type, packet.marker) for packet in sent} == {(OPUS_SILENCE, 111, False)}
    assert silence.done


def test_stream_continues_after_silence() -> None:
    stream, forwarder = _muted()
    _run(Silence(forwarder, 0.1), 0.1, 1.5)
    forwarder.paused = False
    sent = send(forwarder, stream, audio(150), 3.0)
    assert sent is not None
    assert (sent.sequence_number, sent.timestamp) == (155, 960 * 150)


def test_unmuting_ends_the_silence() -> None:
    stream, forwarder = _muted()
    silence = Silence(forwarder, 0.1)
    assert len(_run(silence, 0.1, 0.2)) == 10
    forwarder.paused = False
    assert _run(silence, 0.3, 0.5) == []
    assert silence.done
    sent = send(forwarder, stream, audio(15), 0.3)
    assert sent is not None
    assert (sent.sequence_number, sent.timestamp) == (115, 960 * 15)


def test_source_that_stood_still_while_muted_does_not_go_back() -> None:
    stream, forwarder = _muted()
    _run(Silence(forwarder, 0.1), 0.1, 0.5)
    forwarder.paused = False
    sent = send(forwarder, stream, audio(5), 0.6)
    assert sent is not None
    assert sent.sequence_number == 125 + 5
    assert sent.timestamp == 960 * 30


def test_silence_after_a_pause_of_the_source_follows_the_time() -> None:
    _, forwarder = _muted()
    packet = Silence(forwarder, 2.08).poll(2.08)[0]
    assert parse(packet).timestamp == 960 * (4 + 100)


def test_stalled_caller_does_not_bunch_the_frames() -> None:
    _, forwarder = _muted()
    silence = Silence(forwarder, 0.1)
    assert len(silence.poll(0.9)) in (5, 6)
    assert silence.poll(0.9) == []


def test_nothing_is_sent_before_the_first_packet_or_without_opus() -> None:
    assert Silence(_muted(frames=0)[1], 0.0).poll(0.0) == []
    _, forwarder = _muted()
    forwarder.codecs = [VP8]
    silence = Silence(forwarder, 0.1)
    assert silence.poll(0.1) == []
    assert silence.done


def test_trailer_marks_frames_of_the_server() -> None:
    _, forwarder = _muted()
    assert Silence(forwarder, 0.1, trailer=b"trailer").poll(0.1)[0].payload == OPUS_SILENCE + bytes(77) + b"trailer"
