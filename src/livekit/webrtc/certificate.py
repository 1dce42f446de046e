"""The certificate of this process and fingerprints of certificates (RFC 8122 section 5)."""

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

__all__ = ["Certificate", "Fingerprint", "local_certificate"]

LIFETIME = datetime.timedelta(days=365)
CLOCK_SKEW = datetime.timedelta(days=1)

HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}
"""Those that can be checked; RFC 8827 section 6.5 demands sha-256 and forbids what is weaker."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One `a=fingerprint` attribute."""

    algorithm: str
    """In lower case: sha-256."""
    value: str
    """Upper-case hexadecimal pairs with colons."""

    @classmethod
    def of(cls, certificate: x509.Certificate, algorithm: str = "sha-256") -> Fingerprint:
        digest = certificate.fingerprint(HASHES[algorithm]())
        return cls(algorithm, digest.hex(":").upper())

    def matches(self, certificate: x509.Certificate) -> bool:
        return hmac.compare_digest(Fingerprint.of(certificate, self.algorithm).value.encode(), self.value.encode())


def is_certified(certificate: x509.Certificate, fingerprints: Sequence[Fingerprint]) -> bool:
    """Whether the description vouches for this certificate.

    RFC 8122 section 5: of the algorithms that we know, the strongest decides; several values of one algorithm are
    alternatives.
    """
    for algorithm in reversed(HASHES):
        known = [f for f in fingerprints if f.algorithm == algorithm]
        if known:
            return any(f.matches(certificate) for f in known)
    return False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate with its key."""

    x509: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls) -> Certificate:
        """ECDSA on P-256 (RFC 8827 section 6.5)."""
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
        return Fingerprint.of(self.x509)


_one_at_a_time = threading.Lock()
_generate_once = functools.cache(Certificate.generate)


def local_certificate() -> Certificate:
    """The certificate of this process, made at the first call: the same one in every thread."""
    with _one_at_a_time:
        return _generate_once()
