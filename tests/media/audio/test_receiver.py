"""AudioReceiver, on the virtual clock, behind a sender and impaired links."""

from __future__ import annotations

import asyncio
import itertools
import random
from array import array
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from livekit.media.audio.block import AudioBlock
from livekit.media.audio.frame import AudioFrame
from livekit.media.audio.receiver import AudioReceiver
from livekit.media.audio.sender import AudioSender, AudioSendOptions
from livekit.media.audio.source import AudioSource
from livekit.testing.clock import VirtualClock
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import ReceiverReport, SenderReport
from tests.media.audio.links import Link, differs
from tests.media.audio.signals import largest_step, sine
from tests.media.audio.wire import OPUS, WireTransceiver, connect

RATE = 48_000
TONE = array("h", [round(1.2 * sample) for sample in sine(440.0, RATE, 1.0)])  # a whole number of periods


@pytest.fixture(autouse=True)
async def clock() -> AsyncIterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


class Call:
    """A sender, a link and a receiver whose blocks are recorded."""

    def __init__(self, link: Link | None = None, options: AudioSendOptions | None = None, *, queue: int = 1000) -> None:
        self.loop = asyncio.get_running_loop()
        self.source = AudioSource(RATE, 1, queue_size_ms=queue)
        self.outgoing, self.incoming = WireTransceiver(), WireTransceiver(ssrc=99)
        connect(self.outgoing, self.incoming, *[link] if link else [])
        self.sender = AudioSender(self.source, self.outgoing, options)
        self.sender.start()
        self.receiver = AudioReceiver(self.incoming)
        self.blocks: list[AudioBlock] = []
        self.times: list[float] = []
        self.receiver.add_sink(RATE, 1, self._record)

    def _record(self, block: AudioBlock) -> None:
        self.blocks.append(block)
        self.times.append(self.loop.time())

    async def speak(self, seconds: float, *, drift: float = 0.0) -> None:
        """Capture a tone in real time, in frames of 10 ms."""
        start = self.loop.time()
        for number in range(round(seconds * 100)):
            at = number % 100 * 480
            await self.source.capture_frame(AudioFrame(TONE[at : at + 480].tobytes(), RATE, 1, 480))
            await asyncio.sleep(max(start + 0.01 * (number + 1) / (1 + drift) - self.loop.time(), 0))

    def heard(self, start: int = 0) -> array[int]:
        return array("h", b"".join(block.pcm for block in self.blocks[start:]))

    async def close(self) -> None:
        self.sender.stop()
        self.receiver.close()
        await self.source.aclose()


@pytest.fixture
async def call() -> AsyncIterator[Call]:
    call = Call()
    yield call
    await call.close()


async def test_blocks_come_each_10_ms_from_the_first_sink_on(call: Call) -> None:
    await asyncio.sleep(1.0)
    assert len(call.blocks) == pytest.approx(100, abs=1)
    assert {block.pcm for block in call.blocks} == {bytes(960)}
    assert [block.index for block in call.blocks] == list(range(len(call.blocks)))


@pytest.mark.parametrize("phase", [0.0, 0.0031, 0.0077])
async def test_sound_is_heard_soon_and_unchanged(call: Call, phase: float) -> None:
    await asyncio.sleep(1.0 + phase)
    start = call.loop.time()
    await call.speak(2.0)
    onset = next(at for at, block in zip(call.times, call.blocks, strict=True) if max(array("h", block.pcm)) > 3000)
    assert onset - start < 0.033
    first = call.times.index(onset)
    assert not any(differs(block.pcm) for block in call.blocks[first + 3 : first + 190])
    assert largest_step(call.heard()) < 1.2 * 700


async def test_latency_stays_while_the_sender_pauses(call: Call) -> None:
    latencies: list[float] = []
    for number in range(20):
        await asyncio.sleep(1.0 + 0.00137 * number)
        start, known = call.loop.time(), len(call.blocks)
        await call.speak(0.3)
        later = zip(call.times[known:], call.blocks[known:], strict=True)
        latencies.append(next(at for at, block in later if max(array("h", block.pcm)) > 3000) - start)
    assert sorted(latencies)[10] < 0.030
    assert max(latencies) - sorted(latencies)[10] < 0.011


async def test_gaps_between_blocks_are_even(call: Call) -> None:
    await asyncio.sleep(0.5)
    await call.speak(5.0)
    gaps = sorted(after - before for before, after in itertools.pairwise(call.times))
    assert gaps[len(gaps) // 100] > 0.0098
    assert gaps[len(gaps) // 2] == pytest.approx(0.01, abs=1e-4)
    assert gaps[len(gaps) * 99 // 100] < 0.0111


async def test_muted_track_is_silent_without_clicks(call: Call) -> None:
    speaking = asyncio.create_task(call.speak(3.0))
    await asyncio.sleep(1.0)
    call.sender.muted = True
    await asyncio.sleep(1.0)
    silent = call.heard()[-RATE // 2 :]
    call.sender.muted = False
    await speaking
    assert max(map(abs, silent)) <= 1
    assert not any(differs(block.pcm) for block in call.blocks[-50:-10])
    assert largest_step(call.heard()) < 1.2 * 700


def lossy(rng: random.Random, _number: int) -> float | None:
    return None if rng.random() < 0.05 else rng.uniform(0.001, 0.003)


async def test_lost_packets_are_not_heard() -> None:
    call = Call(lossy)
    await call.speak(10.0)
    frames = call.blocks[100:-20]
    assert sum(differs(block.pcm) for block in frames) <= 0.01 * len(frames)
    await call.close()


async def test_loss_without_redundancy_is_concealed() -> None:
    call = Call(lossy, AudioSendOptions(red=False, inband_fec=False))
    await call.speak(10.0)
    assert largest_step(call.heard(100)) < 2_500
    statistics = next(message for message in call.receiver.stats(0.0) if message.HasField("inbound_rtp")).inbound_rtp
    assert statistics.inbound.concealment_events > 10
    assert statistics.received.packets_lost > 10
    await call.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("drift", [5e-4, -5e-4])
async def test_clock_that_drifts_neither_delays_nor_changes_the_tone(drift: float) -> None:
    call = Call()
    await call.speak(5.0, drift=drift)
    await call.speak(600.0, drift=drift)
    buffer = next(iter(call.receiver._playouts.values())).buffer
    assert buffer.excess(call.times[-1]) == pytest.approx(0.0, abs=0.015)
    assert sum(differs(block.pcm) for block in call.blocks[100:-10]) == 0
    assert len(call.blocks) == pytest.approx(100 * call.loop.time(), rel=2e-4)
    await call.close()


async def test_stalled_loop_loses_nothing(call: Call) -> None:
    """Packets that arrived in the meantime are read first, and count as in time."""
    await call.speak(2.0)
    buffer = next(iter(call.receiver._playouts.values())).buffer
    target, concealed = buffer.target_delay, buffer.statistics.concealed
    waiting: list[RtpPacket] = []
    deliver, call.outgoing.deliver = call.outgoing.deliver, waiting.append
    tick, call.receiver._tick = call.receiver._tick, lambda: None  # type: ignore[method-assign]
    await call.speak(0.3)
    call.outgoing.deliver, call.receiver._tick = deliver, tick  # type: ignore[method-assign]
    for packet in waiting:
        call.incoming.on_packet(packet, "")
    call.receiver._tick()
    await call.speak(1.0)
    assert buffer.statistics.concealed == concealed
    assert buffer.target_delay <= target + 0.005
    assert not any(differs(block.pcm) for block in call.blocks[100:-10])


async def test_very_long_stall_is_left_out(call: Call) -> None:
    await asyncio.sleep(0.1)
    clock = call.receiver._clock
    assert clock is not None
    clock.next -= 3600.0
    call.receiver._tick()
    await asyncio.sleep(0.1)
    assert len(call.blocks) < 600
    assert clock.next == pytest.approx(call.loop.time(), abs=0.02)


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 24_000, 48_000, 44_100, 22_050])
@pytest.mark.parametrize("channels", [1, 2])
async def test_sinks_choose_their_format(call: Call, rate: int, channels: int) -> None:
    blocks: list[AudioBlock] = []
    call.receiver.add_sink(rate, channels, blocks.append)
    await call.speak(1.0)
    assert len(blocks) == pytest.approx(100, abs=6)
    assert {(block.sample_rate, block.channels) for block in blocks} == {(rate, channels)}
    assert sum(len(block.pcm) for block in blocks) / len(blocks) == pytest.approx(rate / 100 * 2 * channels, rel=0.001)
    samples = array("h", b"".join(block.pcm for block in blocks[-30:]))
    for channel in range(channels):
        signal = samples[channel::channels]
        crossings = sum(before < 0 <= after for before, after in itertools.pairwise(signal))
        assert crossings / (len(signal) / rate) == pytest.approx(440, rel=0.02)


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (48_000, 0), (48_000, 3)])
async def test_impossible_formats(call: Call, rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match="1 or 2 channels"):
        call.receiver.add_sink(rate, channels, lambda block: None)


async def test_clock_stops_with_the_last_sink(call: Call) -> None:
    other: list[AudioBlock] = []
    sink = other.append
    call.receiver.add_sink(RATE, 1, sink)
    await asyncio.sleep(0.1)
    call.receiver.remove_sink(sink)
    call.receiver.remove_sink(sink)
    count = len(other)
    await asyncio.sleep(0.1)
    assert len(other) == count
    assert len(call.blocks) == pytest.approx(20, abs=1)
    call.receiver.remove_sink(call._record)
    assert call.receiver._timer is None
    await call.speak(0.2)
    call.receiver.add_sink(RATE, 1, call._record)
    await call.speak(0.5)
    assert max(call.heard()[-480:]) > 10_000


async def test_sink_may_remove_itself_and_fail(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[AudioBlock] = []

    def once(block: AudioBlock) -> None:
        seen.append(block)
        call.receiver.remove_sink(once)
        call.receiver.remove_sink(call._record)
        raise RuntimeError("broken")

    call.receiver.add_sink(RATE, 1, once)
    await asyncio.sleep(0.1)
    assert len(seen) == 1
    assert "a sink of received audio failed" in caplog.text
    assert call.receiver._timer is None


async def test_playing_goes_on_over_another_transceiver(call: Call) -> None:
    speaking = asyncio.create_task(call.speak(3.0))
    await asyncio.sleep(1.0)
    outgoing, incoming = WireTransceiver(ssrc=5), WireTransceiver(ssrc=6)
    connect(outgoing, incoming)
    call.receiver.replace_transceiver(incoming)
    call.sender.replace_transceiver(outgoing)
    await speaking
    assert len(call.blocks) == pytest.approx(300, abs=2)
    assert not any(differs(block.pcm) for block in call.blocks[-150:-10])
    call.incoming.on_packet(replace(call.outgoing.sent[0]) if call.outgoing.sent else RtpPacket(111, 1, 1, 1), "")


async def test_without_a_transceiver_blocks_stop_until_there_is_one(call: Call) -> None:
    await call.speak(0.5)
    call.receiver.replace_transceiver(None)
    count = len(call.blocks)
    assert call.receiver.reports(0.0) == ()
    await call.speak(0.5)
    assert len(call.blocks) == count
    call.receiver.replace_transceiver(call.incoming)
    await call.speak(1.0)
    assert len(call.blocks) - count == pytest.approx(100, abs=2)
    assert not any(differs(block.pcm) for block in call.blocks[-50:-10])


async def test_new_source_on_the_same_transceiver_is_played(call: Call) -> None:
    await call.speak(1.0)
    call.sender.replace_transceiver(WireTransceiver(ssrc=4321))
    call.sender.replace_transceiver(call.outgoing)  # starts another sequence and time line
    call.outgoing.ssrc = 777
    await call.speak(2.0)
    assert not any(differs(block.pcm) for block in call.blocks[-150:-10])


async def test_closed_receiver_is_silent(call: Call) -> None:
    await call.speak(0.2)
    call.receiver.close()
    call.receiver.close()
    count = len(call.blocks)
    call.receiver.add_sink(RATE, 1, call._record)
    call.receiver.replace_transceiver(WireTransceiver())
    await call.speak(0.2)
    assert len(call.blocks) == count


async def test_frames_are_opened_and_silence_stands_for_those_that_cannot_be(call: Call) -> None:
    call.sender.transform = lambda payload, ssrc, timestamp: (
        payload + ssrc.to_bytes(4, "big") + timestamp.to_bytes(4, "big")
    )

    def unseal(payload: bytes, ssrc: int, timestamp: int) -> bytes | None:
        assert payload[-8:] == ssrc.to_bytes(4, "big") + timestamp.to_bytes(4, "big")
        return payload[:-8] if is_known else None

    is_known = False
    call.receiver.transform = unseal
    await call.speak(0.5)
    assert max(map(abs, call.heard())) <= 1
    is_known = True
    await call.speak(1.0)
    assert max(call.heard()[-960:]) > 10_000


async def test_reports(call: Call) -> None:
    assert call.receiver.reports(0.0) == ()
    assert call.receiver.stats(0.0) == []
    await call.speak(1.0)
    now = call.loop.time()
    report = SenderReport(ssrc=1234, ntp_timestamp=7 << 32, rtp_timestamp=1, packet_count=50, octet_count=6000)
    call.receiver.receive_rtcp([replace(report, ssrc=1), report, object()], now)
    (sent,) = call.receiver.reports(now + 0.5)
    assert isinstance(sent, ReceiverReport)
    assert sent.ssrc == 99
    (block,) = sent.blocks
    assert (block.ssrc, block.cumulative_lost, block.last_sender_report) == (1234, 0, 7 << 16)
    assert block.delay_since_last_sender_report == pytest.approx(0.5 * 65_536, abs=2)
    codec, inbound, outbound = call.receiver.stats(now)
    assert codec.codec.codec.mime_type == "audio/opus"
    received = inbound.inbound_rtp
    assert received.received.packets_received == pytest.approx(50, abs=2)
    assert received.inbound.total_samples_received == pytest.approx(RATE, rel=0.02)
    assert received.inbound.audio_level == pytest.approx(0.259, rel=0.1)
    assert received.inbound.jitter_buffer_emitted_count > 0.9 * RATE
    assert received.inbound.jitter_buffer_delay / received.inbound.jitter_buffer_emitted_count < 0.02
    assert outbound.remote_outbound_rtp.sent.packets_sent == 50
    assert outbound.remote_outbound_rtp.remote_outbound.reports_sent == 1


async def test_garbage_is_harmless_and_memory_bounded(call: Call) -> None:
    rng = random.Random(3)
    payloads = [
        b"",
        b"\xff",
        b"\x80",
        b"\xff\xff\xff\xff",
        bytes(1200),
        *(rng.randbytes(rng.randrange(200)) for _ in range(50)),
    ]
    for number in range(20_000):
        packet = RtpPacket(
            rng.choice([111, 63, 0, 96, 127]),
            rng.randrange(1 << 16) if number % 2 else number & 0xFFFF,
            rng.randrange(1 << 32) if number % 3 else 960 * number & 0xFFFF_FFFF,
            rng.choice([1234, 1234, 5]),
            rng.choice(payloads),
        )
        call.incoming.on_packet(packet, "")
        if not number % 20:
            await asyncio.sleep(0.01)
    buffer = next(iter(call.receiver._playouts.values())).buffer
    assert len(buffer._frames) <= 250
    assert len(call.blocks) == pytest.approx(100 * call.loop.time(), abs=5)
    await call.speak(7.0)
    assert not any(differs(block.pcm) for block in call.blocks[-50:-10])


async def test_unknown_payload_types_start_nothing() -> None:
    transceiver = WireTransceiver((OPUS,))
    receiver = AudioReceiver(transceiver)
    transceiver.on_packet(RtpPacket(96, 1, 1, 1, b"\xf8\xff\xfe"), "")
    transceiver.on_packet(RtpPacket(63, 1, 1, 1, b"\x6f\xf8\xff\xfe"), "")
    assert receiver.reports(0.0) == ()
    transceiver.on_packet(RtpPacket(111, 1, 1, 1, b"\xf8\xff\xfe"), "")
    assert len(receiver.reports(0.0)) == 1
    transceiver.on_packet(RtpPacket(111, 2, 961, 1, b"", padding_size=4), "")
    receiver.close()
