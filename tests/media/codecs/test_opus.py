"""The Opus codec on libopus: what comes back is compared with what was encoded, not with recorded bytes."""

from __future__ import annotations

import gc
import math
import weakref
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.media.codecs.opus import SAMPLE_RATES, OpusApplication, OpusDecoder, OpusEncoder, OpusError

TONE = 440.0


def tone(sample_rate: int, channels: int, milliseconds: int, start_ms: int = 0) -> bytes:
    """Return a sine of half the full amplitude, the same in all channels."""
    first = sample_rate * start_ms // 1000
    count = sample_rate * milliseconds // 1000
    samples = (round(16_000 * math.sin(math.tau * TONE * (first + n) / sample_rate)) for n in range(count))
    return array("h", [sample for sample in samples for _ in range(channels)]).tobytes()


def amplitude(pcm: bytes, sample_rate: int, channels: int, frequency: float = TONE) -> float:
    """Return the amplitude of a frequency in the first channel (Goertzel's sum)."""
    samples = array("h", pcm)[::channels]
    step = math.tau * frequency / sample_rate
    real = sum(sample * math.cos(step * n) for n, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(step * n) for n, sample in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)


def encode_tone(encoder: OpusEncoder, frames: int) -> list[bytes]:
    return [encoder.encode(tone(encoder.sample_rate, encoder.channels, 20, 20 * n)) for n in range(frames)]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sample_rate", SAMPLE_RATES)
def test_tone_survives_at_each_rate(sample_rate: int, channels: int) -> None:
    encoder, decoder = OpusEncoder(sample_rate, channels), OpusDecoder(sample_rate, channels)
    encoder.configure(bitrate=48_000, complexity=5)
    frames = [decoder.decode(packet) for packet in encode_tone(encoder, 15)]
    assert {len(frame) for frame in frames} == {sample_rate // 50 * channels * 2}
    heard = b"".join(frames[5:])
    assert amplitude(heard, sample_rate, channels) == pytest.approx(16_000, rel=0.1)
    assert amplitude(heard, sample_rate, channels, 3 * TONE) < 800


def test_decoder_converts_rate_and_channels() -> None:
    encoder, decoder = OpusEncoder(48_000, 1), OpusDecoder(16_000, 2)
    heard = b"".join([decoder.decode(packet) for packet in encode_tone(encoder, 15)][5:])
    assert len(heard) == 10 * 320 * 2 * 2
    assert amplitude(heard, 16_000, 2) == pytest.approx(16_000, rel=0.1)


def test_stereo_channels_stay_apart() -> None:
    encoder, decoder = OpusEncoder(48_000, 2, application=OpusApplication.AUDIO), OpusDecoder(48_000, 2)
    encoder.configure(bitrate=128_000)
    left_only = array("h", tone(48_000, 2, 300))
    left_only[1::2] = array("h", bytes(len(left_only)))
    pcm = left_only.tobytes()
    heard = b"".join(decoder.decode(encoder.encode(pcm[start : start + 3840])) for start in range(0, len(pcm), 3840))
    right = array("h", heard)[1::2].tobytes()
    assert amplitude(heard, 48_000, 2) > 20 * amplitude(right, 48_000, 1)


def test_discontinuous_transmission_makes_packets_of_two_bytes_at_most() -> None:
    encoder = OpusEncoder(48_000, 1)
    encoder.configure(dtx=True)
    sizes = [len(encoder.encode(bytes(1920))) for _ in range(50)]
    assert min(sizes) <= 2
    assert sum(size > 2 for size in sizes[25:]) <= 2


def test_in_band_fec_restores_a_lost_frame() -> None:
    encoder, decoder = OpusEncoder(16_000, 1), OpusDecoder(16_000, 1)
    encoder.configure(inband_fec=True, packet_loss=20, bitrate=32_000)
    packets = encode_tone(encoder, 20)
    for packet in packets[:10]:
        decoder.decode(packet)
    restored = decoder.decode_fec(packets[11], 320)
    assert len(restored) == 640
    assert amplitude(restored, 16_000, 1) == pytest.approx(16_000, rel=0.4)


def test_concealment_continues_the_sound_and_fades() -> None:
    encoder, decoder = OpusEncoder(48_000, 1), OpusDecoder(48_000, 1)
    for packet in encode_tone(encoder, 10):
        decoder.decode(packet)
    first = decoder.conceal(960)
    later = [decoder.conceal(960) for _ in range(20)][-1]
    assert len(first) == len(later) == 1920
    assert amplitude(first, 48_000, 1) > 5_000
    assert amplitude(later, 48_000, 1) < 2_000


def test_lookahead_is_that_of_the_codec() -> None:
    assert OpusEncoder(48_000, 1).lookahead == 312
    assert OpusEncoder(48_000, 1, application=OpusApplication.LOW_DELAY).lookahead == 120


@pytest.mark.parametrize(("sample_rate", "channels"), [(44_100, 1), (48_000, 3), (0, 1), (48_000, 0)])
def test_rate_or_channels_that_opus_lacks(sample_rate: int, channels: int) -> None:
    with pytest.raises(OpusError, match="invalid argument"):
        OpusEncoder(sample_rate, channels)
    with pytest.raises(OpusError, match="invalid argument"):
        OpusDecoder(sample_rate, channels)


@pytest.mark.parametrize("pcm", [b"", bytes(1919), bytes(1000), bytes(48_000)])
def test_frame_of_another_length_is_rejected(pcm: bytes) -> None:
    with pytest.raises(OpusError):
        OpusEncoder(48_000, 1).encode(pcm)


def test_setting_out_of_range_is_rejected() -> None:
    with pytest.raises(OpusError, match="invalid argument"):
        OpusEncoder(48_000, 1).configure(complexity=11)


def test_malformed_packets_are_rejected_and_the_decoder_stays_usable() -> None:
    encoder, decoder = OpusEncoder(48_000, 1), OpusDecoder(48_000, 1)
    for malformed in (b"", b"\xff\xff", b"\x03"):
        with pytest.raises(OpusError):
            decoder.decode(malformed)
    assert len(decoder.decode(encode_tone(encoder, 1)[0])) == 1920
    with pytest.raises(OpusError, match="120 ms"):
        decoder.conceal(48_000)
    with pytest.raises(OpusError):
        decoder.conceal(7)


@given(st.binary(min_size=1, max_size=200))
def test_any_packet_is_decoded_or_an_opus_error(packet: bytes) -> None:
    try:
        pcm = OpusDecoder(16_000, 1).decode(packet)
    except OpusError:
        return
    assert 0 < len(pcm) <= 16_000 * 120 // 1000 * 2


def test_codecs_are_freed_with_their_objects() -> None:
    encoder, decoder = OpusEncoder(48_000, 1), OpusDecoder(48_000, 1)
    finalizers: list[weakref.finalize[..., Any]] = [encoder._finalizer, decoder._finalizer]
    del encoder, decoder
    gc.collect()
    assert not any(finalizer.alive for finalizer in finalizers)
