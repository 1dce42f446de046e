from __future__ import annotations

import pytest

from livekit.webrtc.srtp import MasterKey, SrtpProfile
from livekit.webrtc.srtp.key_derivation import KeyLabel, derive_key, derive_session_keys

RFC_3711 = MasterKey(bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6"))
RFC_6188 = MasterKey(
    bytes.fromhex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"),
    bytes.fromhex("3b04803de51ee7c96423ab5b78d2"),
)


def test_vectors_of_rfc_3711_appendix_b3() -> None:
    assert derive_key(RFC_3711, KeyLabel.RTP_ENCRYPTION, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derive_key(RFC_3711, KeyLabel.RTP_SALT, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derive_key(RFC_3711, KeyLabel.RTP_AUTHENTICATION, 94).hex() == (
        "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef7227098"
        "6371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"
    )


def test_vectors_of_rfc_6188_section_7_2() -> None:
    assert derive_key(RFC_6188, KeyLabel.RTP_ENCRYPTION, 32).hex() == (
        "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"
    )
    assert derive_key(RFC_6188, KeyLabel.RTP_SALT, 14).hex() == "fa31791685ca444a9e07c6c64e93"
    assert derive_key(RFC_6188, KeyLabel.RTP_AUTHENTICATION, 20).hex() == "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"


def test_salt_of_twelve_bytes_is_padded_on_the_right() -> None:
    padded = MasterKey(RFC_3711.key, RFC_3711.salt[:12] + b"\0\0")
    short = MasterKey(RFC_3711.key, RFC_3711.salt[:12])
    assert derive_key(short, KeyLabel.RTP_SALT, 12) == derive_key(padded, KeyLabel.RTP_SALT, 12)


@pytest.mark.parametrize("profile", SrtpProfile)
def test_rtp_and_rtcp_have_different_keys_of_the_profiles_sizes(profile: SrtpProfile) -> None:
    master = MasterKey(bytes(range(profile.key_size)), bytes(range(profile.salt_size)))
    rtp, rtcp = derive_session_keys(profile, master), derive_session_keys(profile, master, rtcp=True)
    for keys in (rtp, rtcp):
        assert (len(keys.encryption), len(keys.salt)) == (profile.key_size, profile.salt_size)
        assert len(keys.authentication) == (0 if profile.is_aead else 20)
    assert rtp.encryption != rtcp.encryption
    assert rtp.salt != rtcp.salt
