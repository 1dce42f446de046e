"""Derivation of session keys from a master key (RFC 3711 section 4.3), with a key derivation rate of zero."""

from __future__ import annotations

import enum
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .profiles import MasterKey, SrtpProfile

__all__ = ["KeyLabel", "SessionKeys", "derive_key", "derive_session_keys"]

AUTHENTICATION_KEY_SIZE = 20
"""Bytes of an HMAC-SHA1 key (RFC 3711 section 5.2)."""


class KeyLabel(enum.IntEnum):
    """Purposes of derived keys (RFC 3711 sections 4.3.1 and 4.3.2)."""

    RTP_ENCRYPTION = 0
    RTP_AUTHENTICATION = 1
    RTP_SALT = 2
    RTCP_ENCRYPTION = 3
    RTCP_AUTHENTICATION = 4
    RTCP_SALT = 5


class SessionKeys(NamedTuple):
    """Keys of one direction, for RTP or for RTCP."""

    encryption: bytes
    salt: bytes
    authentication: bytes
    """Empty for an AEAD profile."""


def derive_key(master: MasterKey, label: KeyLabel, size: int) -> bytes:
    """Return `size` bytes of the pseudo-random function AES-CM, or AES-256-CM for a key of 32 bytes (RFC 6188)."""
    # A salt of 12 bytes is padded on the right (RFC 7714 section 11).
    salt = int.from_bytes(master.salt.ljust(14, b"\0"), "big")
    block = ((label << 48) ^ salt) << 16
    encryptor = Cipher(algorithms.AES(master.key), modes.CTR(block.to_bytes(16, "big"))).encryptor()
    return encryptor.update(bytes(size))


def derive_session_keys(profile: SrtpProfile, master: MasterKey, *, rtcp: bool = False) -> SessionKeys:
    """Return the session keys for RTP, or for RTCP."""
    offset = KeyLabel.RTCP_ENCRYPTION if rtcp else KeyLabel.RTP_ENCRYPTION
    return SessionKeys(
        encryption=derive_key(master, KeyLabel(offset), profile.key_size),
        salt=derive_key(master, KeyLabel(offset + 2), profile.salt_size),
        authentication=b"" if profile.is_aead else derive_key(master, KeyLabel(offset + 1), AUTHENTICATION_KEY_SIZE),
    )
