"""The vectors of RFC 7714 sections 16 and 17 and RFC 3711 appendix B.2, which start from session keys."""

from __future__ import annotations

import hmac

import pytest

from livekit.webrtc.srtp.ciphers import AeadTransform, AuthenticationError, CounterModeTransform, create_transform
from livekit.webrtc.srtp.key_derivation import SessionKeys
from livekit.webrtc.srtp.profiles import SrtpProfile

SALT = b"Quid pro quo"
HEADER = bytes.fromhex("8040f17b8041f8d35501a0b2")
PAYLOAD = b"Gallia est omnis divisa in partes tres"
SSRC, SEQUENCE_NUMBER = 0x5501A0B2, 0xF17B
RTCP = bytes.fromhex(
    "81c8000d4d6172734e545031 4e545032525450200000042a 0000e9304c756e61deadbeef deadbeefdeadbeefdeadbeef deadbeef"
)
RTCP_SSRC, RTCP_INDEX = 0x4D617273, 0x5D4


def _aead(key_size: int) -> AeadTransform:
    return AeadTransform(SessionKeys(bytes(range(key_size)), SALT, b""))


def test_srtp_with_aes_128_gcm() -> None:
    protected = _aead(16).protect_rtp(HEADER, PAYLOAD, SSRC, SEQUENCE_NUMBER)
    assert protected.hex() == (
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
        "899d7f27beb16a9152cf765ee4390cce"
    )
    assert _aead(16).unprotect_rtp(protected, 12, SSRC, SEQUENCE_NUMBER) == PAYLOAD


def test_srtp_with_aes_256_gcm() -> None:
    protected = _aead(32).protect_rtp(HEADER, PAYLOAD, SSRC, SEQUENCE_NUMBER)
    assert protected.hex() == (
        "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
        "7aa3db36dfffd6b0f9bb7878d7a76c13"
    )


def test_srtcp_with_aes_128_gcm() -> None:
    protected = _aead(16).protect_rtcp(RTCP, RTCP_SSRC, RTCP_INDEX)
    assert protected.hex() == (
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
        "c84aa45896cf4d2fc5abf87245d9eade800005d4"
    )
    assert _aead(16).unprotect_rtcp(protected, RTCP_SSRC) == RTCP


def test_srtcp_with_aes_128_gcm_that_is_only_authenticated() -> None:
    protected = bytes.fromhex(RTCP.hex() + "841dd9683dd78ec92ae58790125f62b3" + "000005d4")
    assert _aead(16).unprotect_rtcp(protected, RTCP_SSRC) == RTCP
    with pytest.raises(AuthenticationError):
        _aead(16).unprotect_rtcp(protected[:20] + b"!" + protected[21:], RTCP_SSRC)


def test_keystream_of_rfc_3711_appendix_b2() -> None:
    keys = SessionKeys(
        bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"), bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"), bytes(20)
    )
    protected = CounterModeTransform(keys).protect_rtp(b"", bytes(32), 0, 0)
    assert protected[:32].hex() == "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"


def test_srtcp_in_counter_mode_may_be_only_authenticated() -> None:

    transform = CounterModeTransform(SessionKeys(bytes(16), bytes(14), b"k" * 20))
    clear = RTCP + RTCP_INDEX.to_bytes(4, "big")
    protected = clear + hmac.digest(b"k" * 20, clear, "sha1")[:10]
    assert transform.unprotect_rtcp(protected, RTCP_SSRC) == RTCP


@pytest.mark.parametrize("profile", SrtpProfile)
@pytest.mark.parametrize("size", [8, 12, 21])
def test_packet_without_a_tag_is_not_authentic(profile: SrtpProfile, size: int) -> None:
    keys = SessionKeys(bytes(profile.key_size), bytes(profile.salt_size), bytes(20))
    transform = create_transform(profile, keys)
    with pytest.raises(AuthenticationError):
        transform.unprotect_rtcp(bytes(size), 0)
    with pytest.raises(AuthenticationError):
        transform.unprotect_rtp(bytes(size), 12, 0, 0)


@pytest.mark.parametrize("profile", SrtpProfile)
def test_round_trip_and_wrong_tag(profile: SrtpProfile) -> None:
    transform = create_transform(profile, SessionKeys(bytes(profile.key_size), bytes(profile.salt_size), bytes(20)))
    rtp = transform.protect_rtp(HEADER, PAYLOAD, SSRC, 1 << 40)
    assert transform.unprotect_rtp(rtp, 12, SSRC, 1 << 40) == PAYLOAD
    with pytest.raises(AuthenticationError):
        transform.unprotect_rtp(rtp, 12, SSRC, 1 << 41)
    rtcp = transform.protect_rtcp(RTCP, RTCP_SSRC, RTCP_INDEX)
    assert (transform.rtcp_index(rtcp), transform.unprotect_rtcp(rtcp, RTCP_SSRC)) == (RTCP_INDEX, RTCP)
    with pytest.raises(AuthenticationError):
        transform.unprotect_rtcp(rtcp[:9] + b"!" + rtcp[10:], RTCP_SSRC)
