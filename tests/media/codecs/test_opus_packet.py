from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.media.codecs.opus import OpusDecoder, OpusEncoder, OpusError
from livekit.media.codecs.opus_packet import has_inband_fec, is_discontinuous, packet_duration


@pytest.mark.parametrize("milliseconds", [2.5, 5, 10, 20, 40, 60])
@pytest.mark.parametrize("bitrate", [12_000, 32_000, 96_000])
def test_duration_of_what_libopus_encodes(milliseconds: float, bitrate: int) -> None:
    encoder = OpusEncoder(48_000, 1)
    encoder.configure(bitrate=bitrate)
    samples = int(48 * milliseconds)
    assert packet_duration(encoder.encode(bytes(range(1, 241)) * (samples * 2 // 240))) == samples


@given(st.binary(min_size=1, max_size=30))
def test_libopus_agrees_on_any_packet_that_it_decodes(packet: bytes) -> None:
    try:
        pcm = OpusDecoder(48_000, 1).decode(packet)
    except OpusError:
        return
    assert packet_duration(packet) == len(pcm) // 2


@pytest.mark.parametrize("packet", [b"", b"\x1f", b"\x1b\x3f", b"\x03\x00"])
def test_malformed_packet_has_no_duration(packet: bytes) -> None:
    assert packet_duration(packet) == 0


def test_two_bytes_are_discontinuous_transmission() -> None:
    encoder = OpusEncoder(48_000, 1)
    encoder.configure(dtx=True)
    packets = [encoder.encode(bytes(1920)) for _ in range(50)]
    assert any(is_discontinuous(packet) for packet in packets)
    assert not is_discontinuous(packets[0])
    assert all(packet_duration(packet) == 960 for packet in packets)


@pytest.mark.parametrize("milliseconds", [10, 20, 40, 60])
def test_in_band_fec_is_recognized(milliseconds: int) -> None:
    tone = array("h", [round(9000 * math.sin(math.tau * 220 * n / 16_000)) for n in range(16_000)])
    size = 16 * milliseconds
    for is_on in (True, False):
        encoder = OpusEncoder(16_000, 1)
        encoder.configure(inband_fec=is_on, packet_loss=20, bitrate=32_000)
        packets = [encoder.encode(tone[start : start + size].tobytes()) for start in range(0, 10 * size, size)]
        assert any(has_inband_fec(packet) for packet in packets) is is_on
    assert not has_inband_fec(b"")
    assert not has_inband_fec(b"\xf8\xff\xfe")
