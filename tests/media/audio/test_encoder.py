"""Blocks of 10 ms become Opus packets of 20 ms."""

from __future__ import annotations

from array import array

import pytest

from livekit.media.audio.block import AudioBlock
from livekit.media.audio.encoder import AudioEncoder, EncodedFrame
from livekit.media.codecs.opus import OpusDecoder
from livekit.media.codecs.opus_packet import has_inband_fec, packet_duration
from tests.media.audio.signals import sine

RATE = 48_000


def blocks(samples: array[int], rate: int = RATE, channels: int = 1, start: int = 0) -> list[AudioBlock]:
    size = rate // 100 * channels
    return [
        AudioBlock(samples[at : at + size].tobytes(), rate, channels, start + number)
        for number, at in enumerate(range(0, len(samples) - size + 1, size))
    ]


def silence(count: int, start: int = 0) -> list[AudioBlock]:
    return [AudioBlock(bytes(960), RATE, 1, start + number) for number in range(count)]


def encode(encoder: AudioEncoder, source: list[AudioBlock]) -> list[EncodedFrame]:
    return [frame for block in source for frame in encoder.encode(block)]


def encoder(*, bitrate: int = 48_000, dtx: bool = True, stereo: bool = False) -> AudioEncoder:
    return AudioEncoder(bitrate=bitrate, dtx=dtx, stereo=stereo)


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 24_000, 48_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_is_encoded(rate: int, channels: int) -> None:
    frames = encode(encoder(), blocks(sine(440.0, rate, 1.0, channels), rate, channels))
    assert 47 <= len(frames) <= 50
    assert {packet_duration(frame.payload) for frame in frames} == {960}
    timestamps = [frame.timestamp for frame in frames]
    assert timestamps == list(range(timestamps[0], timestamps[0] + 960 * len(frames), 960))
    decoder = OpusDecoder(RATE, 1)
    heard = [array("h", decoder.decode(frame.payload)) for frame in frames]
    assert max(heard[-1]) == pytest.approx(10_000, rel=0.15)


@pytest.mark.parametrize("bitrate", [16_000, 32_000, 48_000, 96_000])
def test_bitrate_is_kept(bitrate: int) -> None:
    frames = encode(encoder(bitrate=bitrate), blocks(sine(440.0, RATE, 2.0)))
    assert 0.4 * bitrate < sum(8 * len(frame.payload) for frame in frames) / 2.0 < 1.1 * bitrate


@pytest.mark.parametrize("stereo", [True, False])
def test_two_channels_are_kept_only_in_stereo(stereo: bool) -> None:
    left = sine(440.0, RATE, 0.5)
    samples = array("h", [value for sample in left for value in (sample, 0)])
    frames = encode(encoder(stereo=stereo), blocks(samples, channels=2))
    decoder = OpusDecoder(RATE, 2)
    pcm = array("h", b"".join(decoder.decode(frame.payload) for frame in frames))[RATE // 2 :]
    assert max(pcm[0::2]) > 4_000
    assert max(pcm[1::2]) < 1_000 if stereo else max(pcm[1::2]) > 4_000


def test_silence_turns_discontinuous_and_costs_no_encoding() -> None:
    one = encoder()
    frames = encode(one, silence(100))
    assert frames[-1].is_discontinuous
    opus = one._encoder
    assert opus is not None
    opus.encode = lambda pcm: pytest.fail("the codec ran")  # type: ignore[method-assign]
    assert all(frame.is_discontinuous for frame in encode(one, silence(100, 100)))


def test_sound_after_silence_is_encoded() -> None:
    one = encoder()
    encode(one, silence(100))
    frames = encode(one, blocks(sine(440.0, RATE, 0.2), start=100))
    assert not any(frame.is_discontinuous for frame in frames)


def test_without_dtx_silence_is_encoded() -> None:
    frames = encode(encoder(dtx=False), silence(200))
    assert not any(frame.is_discontinuous for frame in frames)


def test_jump_of_the_time_line_ends_a_frame() -> None:
    one, sound = encoder(), blocks(sine(440.0, RATE, 0.1))
    assert encode(one, sound[:1]) == []
    late = [AudioBlock(block.pcm, RATE, 1, block.index + 100) for block in sound[1:4]]
    assert [frame.timestamp for frame in encode(one, late)] == [0, 480 * 101]


def test_level_is_measured() -> None:
    one = encoder()
    loud = encode(one, blocks(sine(440.0, RATE, 0.1)))[-1]
    assert loud.level == pytest.approx(10_000 / 32_768 / 2**0.5, rel=0.05)
    assert one.meter.level == loud.level
    assert one.meter.duration == pytest.approx(0.1)
    assert one.meter.energy == pytest.approx(0.1 * loud.level**2, rel=0.1)
    assert encode(one, silence(2, 10))[-1].level == 0.0


def test_expected_loss_brings_in_band_fec() -> None:
    one = encoder(bitrate=32_000)
    one.expect_loss(0.2, use_fec=True)
    frames = encode(one, blocks(sine(220.0, RATE, 1.0)))
    assert sum(has_inband_fec(frame.payload) for frame in frames) > 20
    one.expect_loss(0.0, use_fec=False)
    assert not has_inband_fec(encode(one, blocks(sine(220.0, RATE, 1.0), start=100))[-1].payload)


def test_delay_of_the_codec_is_the_shortest() -> None:
    """2.5 ms: a click is heard where it was made."""
    samples = array("h", [0]) * 4800
    samples[2400:2410] = array("h", [20_000] * 10)
    decoder = OpusDecoder(RATE, 1)
    pcm = array("h", b"".join(decoder.decode(frame.payload) for frame in encode(encoder(), blocks(samples))))
    assert 2400 + 110 <= max(range(len(pcm)), key=lambda n: abs(pcm[n])) <= 2400 + 140


@pytest.mark.parametrize(("bitrate", "use_fec"), [(48_000, True), (24_000, False), (24_000, True)])
@pytest.mark.parametrize("frequency", [300.0, 500.0, 1000.0])
def test_steady_tone_is_not_taken_for_silence(frequency: float, bitrate: int, use_fec: bool) -> None:
    tone = encoder(bitrate=bitrate)
    tone.expect_loss(0.0, use_fec=use_fec)
    frames = encode(tone, blocks(sine(frequency, RATE, 4.0)))
    assert not any(frame.is_discontinuous for frame in frames)
