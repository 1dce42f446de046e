from __future__ import annotations

import pytest

from livekit.webrtc.srtp import MasterKey, SrtpProfile, split_keying_material


def test_keying_material_is_both_keys_then_both_salts() -> None:
    profile = SrtpProfile.AES128_CM_HMAC_SHA1_80
    assert not profile.is_aead
    assert profile.keying_material_size == 60
    material = b"C" * 16 + b"S" * 16 + b"c" * 14 + b"s" * 14
    client, server = MasterKey(b"C" * 16, b"c" * 14), MasterKey(b"S" * 16, b"s" * 14)
    assert split_keying_material(profile, material, is_client=True) == (client, server)
    assert split_keying_material(profile, material, is_client=False) == (server, client)


@pytest.mark.parametrize(("profile", "size"), [("AEAD_AES_128_GCM", 56), ("AEAD_AES_256_GCM", 88)])
def test_material_sizes_of_rfc_7714(profile: str, size: int) -> None:
    assert SrtpProfile[profile].keying_material_size == size


def test_material_of_another_size_is_rejected() -> None:
    with pytest.raises(ValueError, match="needs 56 bytes, got 60"):
        split_keying_material(SrtpProfile.AEAD_AES_128_GCM, bytes(60), is_client=True)
