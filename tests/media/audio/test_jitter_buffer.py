"""The jitter buffer over impaired links, in virtual time: what is heard is compared with the tone that was sent."""

from __future__ import annotations

import functools
import random
from array import array

import pytest

from livekit.media.audio.jitter_buffer import MAX_FRAMES, JitterBuffer
from livekit.media.codecs.opus import OpusDecoder, OpusEncoder
from livekit.media.codecs.opus_packet import has_inband_fec, is_discontinuous, packet_duration
from livekit.webrtc.rtp.red import RedundantBlock
from tests.media.audio.links import FRAME, PAYLOAD_TYPE, RATE, Heard, Link, encode_tone, listen
from tests.media.audio.signals import sine

SECONDS = 24


@functools.cache
def tone() -> list[bytes]:
    return encode_tone(SECONDS)


def hear(link: Link, *, drift: float = 0.0) -> Heard:
    return listen(tone(), link, drift=drift)


def clean(rng: random.Random, number: int) -> float:
    return rng.uniform(0.001, 0.002)


def loss(share: float) -> Link:
    return lambda rng, number: None if rng.random() < share else clean(rng, number)


def bursts(rng: random.Random, number: int) -> float | None:
    """Lose five packets in a row, 5 % in all, at random places of each hundred."""
    start = random.Random(number // 100).randrange(90)
    return None if start <= number % 100 < start + 5 else clean(rng, number)


def normal_in_order() -> Link:
    last = 0.0

    def link(rng: random.Random, number: int) -> float:
        nonlocal last
        last = max(last, FRAME * number + max(rng.gauss(0.06, 0.04), 0.0))
        return last - FRAME * number

    return link


def reordered(rng: random.Random, number: int) -> float:
    return 0.01 + (0.03 if rng.random() < 0.1 else 0.0)


def test_clean_link_adds_a_few_milliseconds_and_changes_nothing() -> None:
    heard = hear(clean)
    statistics = heard.buffer.statistics
    assert heard.differing() == 0
    assert heard.latency(0.99) < 1000 * FRAME + 20  # a packet of 20 ms, and 10 ms between two frames
    assert (statistics.concealed, statistics.packets_discarded) == (0, 0)
    assert statistics.emitted == pytest.approx(SECONDS * RATE, rel=0.01)
    assert 0.0 < statistics.delay / statistics.emitted < 0.02
    assert statistics.target_delay / statistics.emitted == pytest.approx(0.005, rel=0.2)


@pytest.mark.parametrize(
    ("link", "differing", "latency"),
    [
        (loss(0.05), 0.1, 60),
        (loss(0.2), 1.5, 80),
        (bursts, 1.0, 80),
        (normal_in_order(), 0.3, 230),
        (reordered, 0.1, 90),
    ],
    ids=["loss 5 %", "loss 20 %", "bursts of 5", "jitter N(60, 40) ms", "reordering 10 %"],
)
def test_impaired_link(link: Link, differing: float, latency: float) -> None:
    """`differing` limits the 10 ms frames that are not the tone, in percent; `latency` the median in ms."""
    heard = hear(link)
    assert heard.differing() <= differing
    assert heard.latency(0.5) <= latency


@pytest.mark.parametrize("drift", [5e-4, -5e-4])
def test_clock_that_drifts_neither_grows_the_delay_nor_differs(drift: float) -> None:
    heard = hear(clean, drift=drift)
    assert heard.differing() == 0
    assert heard.latency(0.99) < 50
    statistics = heard.buffer.statistics
    changed = statistics.removed_for_acceleration - statistics.inserted_for_deceleration
    assert changed == pytest.approx(drift * SECONDS * RATE, abs=0.015 * RATE)


def _blocks(payload: bytes) -> list[RedundantBlock]:
    return [RedundantBlock(PAYLOAD_TYPE, 0, payload)]


def _buffer() -> JitterBuffer:
    return JitterBuffer(OpusDecoder(RATE, 1))


def _behind(buffer: JitterBuffer, number: int) -> float:
    """Return how many seconds the playout is behind the start of a packet."""
    position = buffer.position
    assert position is not None
    return FRAME * number - position / RATE


def test_nothing_received_is_silence() -> None:
    buffer = _buffer()
    assert buffer.pull(0.0) == bytes(960)
    assert buffer.position is None


def test_source_that_stops_fades_into_a_pause_and_starts_again() -> None:
    buffer, packets = _buffer(), tone()
    now = 0.0
    for number in range(50):
        buffer.receive(960 * number, _blocks(packets[number]), now)
        buffer.pull(now)
        buffer.pull(now + 0.01)
        now += FRAME
    frames = [buffer.pull(now + 0.01 * n) for n in range(200)]
    assert frames[-1] == bytes(960)
    assert buffer.position is None
    # Timestamps did not go on in the meantime, and the source is not later for it.
    now += 60.0
    for number in range(50, 100):
        buffer.receive(960 * number, _blocks(packets[number]), now)
        buffer.pull(now)
        frames.append(buffer.pull(now + 0.01))
        now += FRAME
    assert max(array("h", frames[-1])) > 10_000
    assert _behind(buffer, 99) < 0.04


@pytest.mark.parametrize("jump", [1 << 31, 48_000 * 100, (1 << 32) - 48_000 * 100])
def test_jump_of_the_timestamps_restarts_the_source(jump: int) -> None:
    buffer, packets = _buffer(), tone()
    frames: list[bytes] = []
    for number in range(100):
        offset = jump if number >= 50 else 0
        buffer.receive((960 * number + offset) & 0xFFFF_FFFF, _blocks(packets[number]), FRAME * number)
        frames += [buffer.pull(FRAME * number), buffer.pull(FRAME * number + 0.01)]
    assert max(array("h", frames[-1])) > 10_000


def test_stall_of_the_listener_is_caught_up_with() -> None:
    buffer, packets = _buffer(), tone()
    for number in range(400):
        now = FRAME * number
        buffer.receive(960 * number, _blocks(packets[number]), now)
        if not 100 <= number < 150:
            buffer.pull(now)
            buffer.pull(now + 0.01)
    assert _behind(buffer, 400) < 0.1
    assert buffer.statistics.removed_for_acceleration > 0.5 * RATE


def test_silence_of_discontinuous_transmission_is_not_a_loss() -> None:
    encoder, buffer = OpusEncoder(RATE, 1), _buffer()
    encoder.configure(dtx=True)
    packets = [encoder.encode(bytes(1920)) for _ in range(150)]
    sent, was_silent, frames = 0, False, list[bytes]()
    for number, packet in enumerate([*packets, *tone()[:50]]):
        now = FRAME * number
        is_silent = is_discontinuous(packet)
        if not (is_silent and was_silent):  # as libwebrtc sends them: the first of a row announces the silence
            buffer.receive(960 * number, _blocks(packet), now)
            sent += 1
        was_silent = is_silent
        frames = [buffer.pull(now), buffer.pull(now + 0.01)]
    assert sent < 100
    assert buffer.statistics.concealed == 0
    assert max(array("h", frames[-1])) > 10_000
    assert _behind(buffer, 200) < 0.05


@pytest.mark.parametrize("delay", [0.0, 0.08, 0.3])
def test_sound_after_silence_is_delayed_by_the_target(delay: float) -> None:
    """Silence absorbs a change of the network's delay."""
    encoder, buffer = OpusEncoder(RATE, 1), _buffer()
    encoder.configure(dtx=True)
    dtx = next(packet for packet in (encoder.encode(bytes(1920)) for _ in range(50)) if is_discontinuous(packet))
    packets = [*tone()[:200], dtx, *[b""] * 15, *tone()[:40]]
    arrivals: dict[int, list[int]] = {}
    for number, packet in enumerate(packets):
        late = 0.08 if number < 200 and number % 10 == 0 else delay if number > 200 else 0.0
        if packet:
            arrivals.setdefault(number + round(late / FRAME), []).append(number)
    frames, discarded = list[bytes](), 0
    for tick in range(len(packets) + 2):
        for number in arrivals.get(tick, []):
            buffer.receive(960 * number, _blocks(packets[number]), FRAME * tick)
        frames += [buffer.pull(FRAME * tick), buffer.pull(FRAME * tick + 0.01)]
        if tick == 200:
            discarded = buffer.statistics.packets_discarded
    assert max(array("h", frames[-1])) > 10_000
    assert buffer.statistics.packets_discarded == discarded
    assert buffer.target_delay >= 0.08
    assert _behind(buffer, len(packets) + 2) == pytest.approx(max(buffer.target_delay, delay), abs=0.03)


def test_silent_source_that_sends_nothing_more_is_paused() -> None:
    encoder, buffer = OpusEncoder(RATE, 1), _buffer()
    encoder.configure(dtx=True)
    dtx = next(packet for packet in (encoder.encode(bytes(1920)) for _ in range(50)) if len(packet) <= 2)
    buffer.receive(0, _blocks(dtx), 0.0)
    for tick in range(1, 700):
        buffer.pull(0.01 * tick)
    assert buffer.position is None


def test_memory_is_bounded() -> None:
    buffer, packet = _buffer(), tone()[0]
    for number in range(3 * MAX_FRAMES):
        buffer.receive(960 * number, _blocks(packet), 0.001 * number)
    assert len(buffer._frames) <= MAX_FRAMES
    assert len(buffer._seen) <= MAX_FRAMES


def test_malformed_frames_are_concealed_or_ignored() -> None:
    buffer, packets = _buffer(), tone()
    for number in range(100):
        payload = packets[number] if number % 10 else b"\x7a\xfc\x03"
        buffer.receive(960 * number, _blocks(payload), FRAME * number)
        buffer.receive(960 * number, _blocks(b""), FRAME * number)
        assert len(buffer.pull(FRAME * number)) == 960
        assert len(buffer.pull(FRAME * number + 0.01)) == 960


@pytest.mark.parametrize("excess", [0.2, -0.2])
def test_delay_of_the_shortest_frames_is_adapted(excess: float) -> None:
    buffer = _buffer()
    frame = bytes([0b1110_0000]) + bytes(20)  # CELT, 2.5 ms
    assert packet_duration(frame) == 120
    for number in range(4_000):
        now = 0.0025 * number
        buffer.receive(120 * number, _blocks(frame), now + (excess if number < 400 else 0.0))
        if number % 4 == 0:
            assert len(buffer.pull(now)) == 2 * RATE // 100
    statistics = buffer.statistics
    assert statistics.inserted_for_deceleration + statistics.removed_for_acceleration > 0


def test_garbage_at_random_times_never_stops_the_source() -> None:
    rng = random.Random(1)
    buffer = _buffer()
    for number in range(2_000):
        blocks = _blocks(rng.randbytes(rng.randrange(1, 100)))
        buffer.receive(960 * number + rng.randrange(-4_000, 4_000) & 0xFFFFFFFF, blocks, 0.02 * number)
        for half in range(2):
            assert len(buffer.pull(0.02 * number + 0.01 * half)) == 2 * RATE // 100


class _CountingDecoder(OpusDecoder):
    """Counts the frames that are decoded from in-band FEC."""

    restored = 0

    def decode_fec(self, packet: bytes, samples: int) -> bytes:
        self.restored += 1
        return super().decode_fec(packet, samples)


def test_lost_frame_is_restored_from_in_band_fec() -> None:
    encoder, decoder = OpusEncoder(16_000, 1), _CountingDecoder(16_000, 1)
    encoder.configure(inband_fec=True, packet_loss=20, bitrate=32_000)
    buffer = JitterBuffer(decoder)
    speech = sine(220.0, 16_000, 2.0)
    copies = 0
    for number in range(100):
        packet = encoder.encode(speech[320 * number : 320 * (number + 1)].tobytes())
        copies += number % 10 == 6 and has_inband_fec(packet)
        if number % 10 != 5:
            buffer.receive(960 * number, _blocks(packet), FRAME * number)
        buffer.pull(FRAME * number)
        buffer.pull(FRAME * number + 0.01)
    assert copies - 2 <= decoder.restored <= copies  # the first teach the delay to wait for them
    assert decoder.restored > 0


def test_start_leaves_out_what_arrived_too_late() -> None:
    """The first packets often arrive together, while the receiver starts."""
    buffer, packets = _buffer(), tone()
    for number in range(15):
        buffer.receive(960 * number, _blocks(packets[number]), FRAME * 14)
    for number in range(15, 50):
        buffer.receive(960 * number, _blocks(packets[number]), FRAME * number)
        buffer.pull(FRAME * number)
        buffer.pull(FRAME * number + 0.01)
    assert _behind(buffer, 50) < 0.06
    assert buffer.statistics.removed_for_acceleration < 0.01 * RATE  # of 280 ms
