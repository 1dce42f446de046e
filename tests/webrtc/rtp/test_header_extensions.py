from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.header_extensions import (
    AUDIO_LEVEL_URI,
    MID_URI,
    RID_URI,
    AudioLevel,
    ExtensionMap,
    decode_extensions,
    encode_extensions,
    find_extension,
)
from livekit.webrtc.rtp.packet import RtpError, RtpPacket


def _packet(profile: int, block: str) -> RtpPacket:
    return RtpPacket(111, 1, 2, 3, extension_profile=profile, extension=bytes.fromhex(block))


def test_one_byte_form_of_rfc_8285_section_4_2() -> None:
    assert decode_extensions(_packet(0xBEDE, "10aa 21bbbb 0000 33cccccccc")) == {
        1: b"\xaa",
        2: b"\xbb\xbb",
        3: b"\xcc" * 4,
    }


def test_two_byte_form_of_rfc_8285_section_4_3() -> None:
    assert decode_extensions(_packet(0x1000, "0100 0201bb 00 0304cccccccc")) == {1: b"", 2: b"\xbb", 3: b"\xcc" * 4}
    assert decode_extensions(_packet(0x100F, "f001aa00")) == {240: b"\xaa"}


def test_forms_are_chosen_by_id_and_length() -> None:
    assert encode_extensions({}) == (0, b"")
    assert encode_extensions({1: b"\xaa", 14: b"x" * 16}) == (0xBEDE, b"\x10\xaa\xef" + b"x" * 16 + b"\0")
    assert encode_extensions({1: b""}) == (0x1000, b"\x01\x00\x00\x00")
    assert encode_extensions({15: b"a"}) == (0x1000, b"\x0f\x01a\x00")
    assert encode_extensions({1: b"x" * 17})[0] == 0x1000


@given(st.dictionaries(st.integers(1, 255), st.binary(max_size=255), max_size=6))
def test_round_trip(extensions: dict[int, bytes]) -> None:
    profile, block = encode_extensions(extensions)
    assert len(block) % 4 == 0
    packet = RtpPacket(111, 1, 2, 3, extension_profile=profile, extension=block)
    assert decode_extensions(RtpPacket.parse(packet.serialize())) == extensions


@pytest.mark.parametrize("extensions", [{0: b"a"}, {256: b"a"}, {1: bytes(256)}])
def test_extension_out_of_range_is_rejected(extensions: dict[int, bytes]) -> None:
    with pytest.raises(RtpError, match="id from 1 to 255"):
        encode_extensions(extensions)


@pytest.mark.parametrize(
    ("profile", "block", "expected"),
    [
        (0xBEDE, "10aa f0bb 20cc0000", {1: b"\xaa"}),  # id 15 ends the processing
        (0xBEDE, "10aa 2fbb", {1: b"\xaa"}),
        (0xBEDE, "10aa 10bb", {1: b"\xaa"}),
        (0xBEDE, "01 10aa 00", {1: b"\xaa"}),  # padding with length bits is still one byte
        (0x1000, "0101aa 02", {1: b"\xaa"}),
        (0x1000, "0101aa 0209bb00", {1: b"\xaa"}),
        (0x1234, "10aa0000", {}),
        (0, "", {}),
    ],
)
def test_malformed_elements_end_the_processing(profile: int, block: str, expected: dict[int, bytes]) -> None:
    assert decode_extensions(_packet(profile, block)) == expected


@given(profile=st.sampled_from([0xBEDE, 0x1000, 0x1001]), block=st.binary(max_size=60))
def test_any_block_is_decoded(profile: int, block: bytes) -> None:
    packet = RtpPacket(111, 1, 2, 3, extension_profile=profile, extension=block)
    assert all(1 <= identifier <= 255 for identifier in decode_extensions(packet))


def test_values_are_found_by_uri() -> None:
    extensions = ExtensionMap({MID_URI: 4, AUDIO_LEVEL_URI: 1})
    values = {4: b"7", 1: b"\x8a"}
    assert extensions.text(values, MID_URI) == "7"
    assert extensions.text(values, RID_URI) is None
    assert extensions.text({4: b"\xff"}, MID_URI) is None
    assert extensions.audio_level(values) == AudioLevel(10, voice=True)
    assert extensions.audio_level({}) is None
    assert ExtensionMap({}).audio_level(values) is None


@given(st.integers(0, 127), st.booleans())
def test_audio_level_round_trip(level: int, voice: bool) -> None:
    assert AudioLevel.decode(AudioLevel(level, voice).encode()) == AudioLevel(level, voice)


def test_audio_level_is_clamped() -> None:
    assert AudioLevel(200).encode() == b"\x7f"
    assert AudioLevel(-3).encode() == b"\0"


@given(st.sampled_from([0xBEDE, 0x1000, 0x1005, 0, 0xABCD]), st.binary(max_size=40), st.integers(0, 255))
def test_one_extension_is_found_as_among_all(profile: int, block: bytes, identifier: int) -> None:
    packet = RtpPacket(111, 1, 2, 3, extension_profile=profile, extension=block)
    assert find_extension(packet, identifier) == decode_extensions(packet).get(identifier)
