"""Protection profiles and master keys of DTLS-SRTP (RFC 5764 section 4, RFC 7714 section 14.2)."""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["EXPORTER_LABEL", "MasterKey", "SrtpProfile", "split_keying_material"]

EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"
"""The TLS exporter label of the keying material (RFC 5764 section 4.2)."""


class _Parameters(NamedTuple):
    key_size: int
    salt_size: int
    is_aead: bool


class SrtpProfile(enum.Enum):
    """A protection profile; the value is OpenSSL's name of it."""

    AEAD_AES_128_GCM = "SRTP_AEAD_AES_128_GCM"
    AEAD_AES_256_GCM = "SRTP_AEAD_AES_256_GCM"
    AES128_CM_HMAC_SHA1_80 = "SRTP_AES128_CM_SHA1_80"

    @property
    def key_size(self) -> int:
        """Bytes of the master key and of a session's encryption keys."""
        return _PARAMETERS[self].key_size

    @property
    def salt_size(self) -> int:
        """Bytes of the master salt and of a session's salts."""
        return _PARAMETERS[self].salt_size

    @property
    def is_aead(self) -> bool:
        """True if encryption and authentication are one operation (RFC 7714)."""
        return _PARAMETERS[self].is_aead

    @property
    def keying_material_size(self) -> int:
        """Bytes to export from the DTLS connection: keys and salts of both directions."""
        return 2 * (self.key_size + self.salt_size)


_PARAMETERS = {
    SrtpProfile.AEAD_AES_128_GCM: _Parameters(16, 12, True),
    SrtpProfile.AEAD_AES_256_GCM: _Parameters(32, 12, True),
    SrtpProfile.AES128_CM_HMAC_SHA1_80: _Parameters(16, 14, False),
}


class MasterKey(NamedTuple):
    """The master key and master salt of one direction."""

    key: bytes
    salt: bytes


def split_keying_material(profile: SrtpProfile, material: bytes, *, is_client: bool) -> tuple[MasterKey, MasterKey]:
    """Return the master keys for sending and for receiving from exported keying material (RFC 5764 section 4.2).

    `is_client` is the local role in the DTLS handshake.

    Raises:
        ValueError: `material` is not `profile.keying_material_size` bytes long.
    """
    if len(material) != profile.keying_material_size:
        raise ValueError(f"{profile.name} needs {profile.keying_material_size} bytes, got {len(material)}")
    key, salt = profile.key_size, profile.salt_size
    salts = material[2 * key :]
    client = MasterKey(material[:key], salts[:salt])
    server = MasterKey(material[key : 2 * key], salts[salt:])
    return (client, server) if is_client else (server, client)
