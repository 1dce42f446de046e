"""The SRTP protection profile and keying material of DTLS (RFC 5764)."""

from __future__ import annotations

import pytest

from livekit.webrtc.dtls import SRTP_PROFILES
from tests.webrtc.dtls_pairs import connected_dtls

GCM_128, GCM_256, CM_80 = b"SRTP_AEAD_AES_128_GCM", b"SRTP_AEAD_AES_256_GCM", b"SRTP_AES128_CM_SHA1_80"


@pytest.mark.parametrize("peer_is_client", [True, False])
@pytest.mark.parametrize(
    ("profiles", "selected"),
    [
        (SRTP_PROFILES, "SRTP_AEAD_AES_128_GCM"),
        (GCM_256, "SRTP_AEAD_AES_256_GCM"),
        (CM_80, "SRTP_AES128_CM_SHA1_80"),
        (b"SRTP_AES128_CM_SHA1_32", ""),
        (None, ""),
    ],
)
def test_profile(monkeypatch: pytest.MonkeyPatch, profiles: bytes | None, selected: str, peer_is_client: bool) -> None:
    local, peer = connected_dtls(monkeypatch, profiles, peer_is_client=peer_is_client)
    assert local.srtp_profile == peer.srtp_profile == selected


def test_server_prefers_gcm_whatever_the_client_does(monkeypatch: pytest.MonkeyPatch) -> None:
    local, _ = connected_dtls(monkeypatch, CM_80 + b":" + GCM_256 + b":" + GCM_128)
    assert local.srtp_profile == "SRTP_AEAD_AES_128_GCM"


def test_both_ends_export_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    local, peer = connected_dtls(monkeypatch)
    material = local.export_keying_material(b"EXTRACTOR-dtls_srtp", 56)
    assert len(material) == 56
    assert peer.export_keying_material(b"EXTRACTOR-dtls_srtp", 56) == material
    assert peer.export_keying_material(b"EXPORTER-other", 56) != material
