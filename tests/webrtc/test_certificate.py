from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from livekit.webrtc import certificate
from livekit.webrtc.certificate import HASHES, Certificate, Fingerprint, local_certificate, verify_fingerprint


def test_local_certificate_is_shared_and_on_p256() -> None:
    assert local_certificate() is local_certificate()
    assert isinstance(local_certificate().key.curve, ec.SECP256R1)


def test_fingerprint_is_upper_case_hexadecimal() -> None:
    fingerprint = local_certificate().fingerprint
    assert fingerprint.algorithm == "sha-256"
    assert len(fingerprint.value) == 32 * 3 - 1
    assert fingerprint.value == fingerprint.value.upper()


@pytest.mark.parametrize("algorithm", HASHES)
def test_fingerprint_matches_its_certificate_only(algorithm: str) -> None:
    mine, other = Certificate.generate(), Certificate.generate()
    fingerprint = Fingerprint.of(mine.x509, algorithm)
    assert verify_fingerprint(mine.x509, [fingerprint])
    assert not verify_fingerprint(other.x509, [fingerprint])


def test_strongest_supported_algorithm_decides() -> None:
    mine, other = Certificate.generate().x509, Certificate.generate().x509
    good, bad = Fingerprint.of(mine), Fingerprint.of(other, "sha-512")
    assert not verify_fingerprint(mine, [good, bad])
    assert verify_fingerprint(mine, [good, Fingerprint("sha-1", "00")])
    assert verify_fingerprint(mine, [Fingerprint.of(other), good])


@pytest.mark.parametrize("fingerprints", [[], [Fingerprint("sha-1", "AB:CD")], [Fingerprint("sha-256", "")]])
def test_unsupported_and_missing_fingerprints_are_rejected(fingerprints: list[Fingerprint]) -> None:
    assert not verify_fingerprint(local_certificate().x509, fingerprints)


def test_threads_share_one_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "_generate_once", functools.cache(Certificate.generate))
    barrier = threading.Barrier(8)

    def get(_: int) -> Certificate:
        barrier.wait()
        return certificate.local_certificate()

    with ThreadPoolExecutor(8) as threads:
        assert len({id(made) for made in threads.map(get, range(8))}) == 1
