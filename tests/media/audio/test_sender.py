"""AudioSender, on the virtual clock."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator

import pytest

from livekit.errors import OpusNotFoundError
from livekit.media.audio import sender as sender_module
from livekit.media.audio.frame import AudioFrame
from livekit.media.audio.sender import AudioSender, AudioSendOptions
from livekit.media.audio.source import AudioSource
from livekit.media.codecs.opus import OpusDecoder
from livekit.media.codecs.opus_packet import is_discontinuous
from livekit.testing.clock import VirtualClock
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.red import decode_red
from livekit.webrtc.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, TransportWideFeedback
from tests.media.audio.signals import largest_step, sine
from tests.media.audio.wire import OPUS, WireTransceiver

RATE = 48_000
TONE = sine(440.0, RATE, 10.0)


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
async def source() -> AsyncIterator[AudioSource]:
    source = AudioSource(RATE, 1, queue_size_ms=10_000)
    yield source
    await source.aclose()


async def play(source: AudioSource, seconds: float) -> None:
    samples = int(seconds * RATE)
    await source.capture_frame(AudioFrame(TONE[:samples].tobytes(), RATE, 1, samples))
    await source.wait_for_playout()


def primary(packet: RtpPacket) -> bytes:
    return decode_red(packet.payload)[-1].payload if packet.payload_type == 63 else packet.payload


def decode(packets: list[RtpPacket]) -> array[int]:
    decoder = OpusDecoder(RATE, 1)
    return array("h", b"".join(decoder.decode(primary(packet)) for packet in packets))


async def test_sound_is_sent_each_20_ms(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver)
    sender.start()
    sender.start()
    await play(source, 1.0)
    assert 49 <= len(transceiver.sent) <= 51
    assert {packet.ssrc for packet in transceiver.sent} == {transceiver.ssrc}
    assert max(decode(transceiver.sent)) > 9_000
    sender.stop()
    sender.stop()
    count = len(transceiver.sent)
    await play(source, 1.0)
    assert len(transceiver.sent) == count


async def test_idle_source_sends_little(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver)
    sender.start()
    await asyncio.sleep(1.0)
    transceiver.sent.clear()
    await asyncio.sleep(10.0)
    assert len(transceiver.sent) == 25
    assert {len(primary(packet)) for packet in transceiver.sent} == {1}


async def test_options(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver, AudioSendOptions(bitrate=24_000, dtx=False, red=False))
    sender.start()
    await asyncio.sleep(2.0)
    assert len(transceiver.sent) == pytest.approx(100, abs=1)
    assert {packet.payload_type for packet in transceiver.sent} == {111}
    transceiver.sent.clear()
    await play(source, 2.0)
    assert 10_000 < sum(8 * len(packet.payload) for packet in transceiver.sent) / 2.0 < 30_000


async def test_nothing_is_sent_before_the_section_is_negotiated(source: AudioSource) -> None:
    transceiver = WireTransceiver(())
    transceiver.current_direction = None
    sender = AudioSender(source, transceiver)
    sender.start()
    await play(source, 0.2)
    transceiver.current_direction = transceiver.direction
    await play(source, 0.2)
    assert transceiver.sent == []
    assert sender.reports(0.0) == ()
    transceiver.current_codecs = (OPUS,)
    await play(source, 0.2)
    assert {packet.payload_type for packet in transceiver.sent} == {111}


async def test_mute_fades_to_silence_and_back(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver, AudioSendOptions(dtx=False))
    sender.start()
    playing = asyncio.create_task(play(source, 3.0))
    await asyncio.sleep(1.0)
    assert not sender.muted
    sender.muted = True
    await asyncio.sleep(1.0)
    muted_packets = transceiver.sent[-40:]
    sender.muted = False
    await playing
    assert max(map(abs, decode(muted_packets)[960:])) < 50
    # A sine of 440 Hz and amplitude 10,000 has steps of up to 576.
    assert largest_step(decode(transceiver.sent)) < 700


async def test_muted_track_goes_silent(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver)
    sender.muted = True
    sender.start()
    playing = asyncio.create_task(play(source, 2.0))
    await asyncio.sleep(1.0)
    transceiver.sent.clear()
    await playing
    assert all(is_discontinuous(primary(packet)) for packet in transceiver.sent)
    assert len(transceiver.sent) <= 3


async def test_replaced_transceiver_gets_the_stream(source: AudioSource) -> None:
    before, after = WireTransceiver(), WireTransceiver(ssrc=77)
    sender = AudioSender(source, before)
    sender.start()
    playing = asyncio.create_task(play(source, 2.0))
    await asyncio.sleep(1.0)
    sender.replace_transceiver(before)
    count = len(before.sent)
    sender.replace_transceiver(after)
    await playing
    assert len(before.sent) == count
    assert {packet.ssrc for packet in after.sent} == {77}
    assert count + len(after.sent) == pytest.approx(100, abs=2)


async def test_frames_are_sealed_by_the_transform(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver)
    sender.transform = lambda payload, ssrc, timestamp: payload[:1] + b"sealed"
    sender.start()
    await play(source, 0.5)
    assert {packet.payload_type for packet in transceiver.sent} == {111}
    assert all(packet.payload.endswith(b"sealed") for packet in transceiver.sent)


async def test_sender_report_maps_the_clocks(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver)
    sender.start()
    loop = asyncio.get_running_loop()
    assert sender.reports(loop.time()) == ()
    await play(source, 1.0)
    (first,) = sender.reports(loop.time())
    await play(source, 2.0)
    (second,) = sender.reports(loop.time())
    assert isinstance(first, SenderReport)
    assert isinstance(second, SenderReport)
    assert first.ssrc == transceiver.ssrc
    assert second.packet_count == len(transceiver.sent)
    assert second.octet_count == sum(len(packet.payload) for packet in transceiver.sent)
    assert (second.ntp_timestamp - first.ntp_timestamp) / 2**32 == pytest.approx(2.0, abs=0.01)
    assert (second.rtp_timestamp - first.rtp_timestamp) % 2**32 == pytest.approx(2 * RATE, abs=0.02 * RATE)
    sender.stop()
    assert sender.reports(loop.time()) == ()


async def test_statistics(source: AudioSource) -> None:
    transceiver = WireTransceiver()
    sender = AudioSender(source, transceiver)
    sender.start()
    loop = asyncio.get_running_loop()
    await play(source, 1.0)
    (report,) = sender.reports(loop.time())
    assert isinstance(report, SenderReport)
    kinds = [message.WhichOneof("stats") for message in sender.stats(loop.time())]
    assert kinds == ["codec", "outbound_rtp", "media_source"]
    await asyncio.sleep(0.1)
    block = ReportBlock(
        ssrc=transceiver.ssrc,
        fraction_lost=64,
        cumulative_lost=3,
        jitter=480,
        last_sender_report=report.ntp_timestamp >> 16 & 0xFFFF_FFFF,
        delay_since_last_sender_report=int(0.06 * 65_536),
    )
    other = ReportBlock(ssrc=999, cumulative_lost=77)
    feedback = TransportWideFeedback(sender_ssrc=1, media_ssrc=2, feedback_count=0, arrivals=())
    sender.receive_rtcp([feedback, ReceiverReport(ssrc=1, blocks=(other, block))], loop.time())
    codec, outbound, media, remote = sender.stats(loop.time())
    assert (codec.codec.codec.mime_type, codec.codec.codec.payload_type) == ("audio/opus", 111)
    assert outbound.outbound_rtp.sent.packets_sent == len(transceiver.sent)
    assert outbound.outbound_rtp.outbound.target_bitrate == 48_000
    assert outbound.outbound_rtp.outbound.active
    assert media.media_source.audio.total_audio_energy == pytest.approx(0.215**2, rel=0.1)
    inbound = remote.remote_inbound_rtp
    assert inbound.received.packets_lost == 3
    assert inbound.received.jitter == pytest.approx(0.01)
    assert inbound.remote_inbound.fraction_lost == 0.25
    assert inbound.remote_inbound.round_trip_time == pytest.approx(0.04, abs=0.001)
    assert inbound.remote_inbound.local_id == outbound.outbound_rtp.rtc.id


async def test_missing_codec_is_named_at_once(source: AudioSource, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OpusNotFoundError

    monkeypatch.setattr(sender_module, "load_opus", missing)
    with pytest.raises(OpusNotFoundError, match=r"livekit-pure\[audio\]"):
        AudioSender(source, WireTransceiver())
