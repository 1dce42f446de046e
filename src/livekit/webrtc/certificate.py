"""The DTLS certificate of this process, and certificate fingerprints (RFC 8122 section 5)."""

from __future__ import annotations

import datetime
import functools
import hmac
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["HASHES", "Certificate", "Fingerprint", "local_certificate", "verify_fingerprint"]

LIFETIME = datetime.timedelta(days=365)
CLOCK_SKEW = datetime.timedelta(days=1)

HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}
"""Supported algorithms, weakest first. RFC 8827 section 6.5 requires sha-256 and forbids weaker ones."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """An `a=fingerprint` attribute (RFC 8122 section 5)."""

    algorithm: str
    """Lower case, such as sha-256."""
    value: str
    """Upper-case hexadecimal bytes separated by colons."""

    @classmethod
    def of(cls, certificate: x509.Certificate, algorithm: str = "sha-256") -> Fingerprint:
        """Return the fingerprint of a certificate."""
        digest = certificate.fingerprint(HASHES[algorithm]())
        return cls(algorithm, digest.hex(":").upper())

    def matches(self, certificate: x509.Certificate) -> bool:
        """Return True if `certificate` has this fingerprint. Raises KeyError for an algorithm that is not supported."""
        return hmac.compare_digest(Fingerprint.of(certificate, self.algorithm).value.encode(), self.value.encode())


def verify_fingerprint(certificate: x509.Certificate, fingerprints: Sequence[Fingerprint]) -> bool:
    """Return True if the fingerprints of a session description authenticate `certificate`.

    Only those of the strongest supported algorithm count, which prevents downgrade attacks; several values of one
    algorithm are alternatives (RFC 8122 section 5).
    """
    for algorithm in reversed(HASHES):
        strongest = [fingerprint for fingerprint in fingerprints if fingerprint.algorithm == algorithm]
        if strongest:
            return any(fingerprint.matches(certificate) for fingerprint in strongest)
    return False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its private key."""

    x509: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls) -> Certificate:
        """Generate an ECDSA key on P-256 (RFC 8827 section 6.5) and a certificate with a random name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, secrets.token_hex(8))])
        now = datetime.datetime.now(tz=datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + LIFETIME)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @property
    def fingerprint(self) -> Fingerprint:
        """The sha-256 fingerprint."""
        return Fingerprint.of(self.x509)


_generate_lock = threading.Lock()
_generate_once = functools.cache(Certificate.generate)


def local_certificate() -> Certificate:
    """Return the certificate of this process, generated at the first call and shared by all threads."""
    with _generate_lock:
        return _generate_once()
