"""Key derivation and ratcheting, as LiveKit does it (SFrame, draft-omara-sframe-00, section 4.3), for AES-128-GCM."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from livekit.enums import KeyDerivationFunction

PBKDF2_ITERATIONS = 100_000
KEY_BYTES = 16
RATCHETED_BYTES = 32
_HKDF_INFO = bytes(128)

Derive = Callable[[bytes, bytes, int], bytes]


def _pbkdf2(material: bytes, salt: bytes, length: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", material, salt, PBKDF2_ITERATIONS, length)


def _hkdf(material: bytes, salt: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, _HKDF_INFO).derive(material)


_DERIVE: dict[int, Derive] = {KeyDerivationFunction.PBKDF2: _pbkdf2, KeyDerivationFunction.HKDF: _hkdf}


class Key:
    """Key material, its AES-GCM key and its ratcheted successor."""

    def __init__(self, material: bytes, salt: bytes, function: int) -> None:
        self.material = material
        self._salt = salt
        self._function = function
        self._aead: AESGCM | None = None
        self._next: Key | None = None

    @property
    def aead(self) -> AESGCM:
        """The AES-GCM cipher. Deriving its key with PBKDF2 takes about 20 ms; the result is cached."""
        if self._aead is None:
            self._aead = AESGCM(_DERIVE[self._function](self.material, self._salt, KEY_BYTES))
        return self._aead

    def ratcheted(self) -> Key:
        """Return the next key of the ratchet (a one-way function of this key). The result is cached."""
        if self._next is None:
            material = _DERIVE[self._function](self.material, self._salt, RATCHETED_BYTES)
            self._next = Key(material, self._salt, self._function)
        return self._next


class KeyRing:
    """The keys of one participant, or the shared keys of a room, by index."""

    def __init__(self, size: int, salt: bytes, function: int) -> None:
        self._keys: list[Key | None] = [None] * size
        self._failures = [0] * size
        self._salt = salt
        self._function = function

    def set(self, material: bytes, index: int) -> None:
        """Set the key of an index. Raises ValueError for an index outside the ring."""
        self._check(index)
        self._keys[index] = Key(bytes(material), self._salt, self._function)
        self._failures[index] = 0

    def record_success(self, index: int, key: Key) -> None:
        """Keep the key that decrypted a packet; it may be a ratcheted successor of the key that was set."""
        self._keys[index] = key
        self._failures[index] = 0

    def record_failure(self, index: int, tolerance: int) -> None:
        """Count a decryption failure. More than `tolerance` in a row drop the key; a negative tolerance never does."""
        self._failures[index] += 1
        if 0 <= tolerance < self._failures[index]:
            self._keys[index] = None

    def get(self, index: int) -> Key | None:
        """Return the key of an index, or None."""
        return self._keys[index] if 0 <= index < len(self._keys) else None

    def ratchet(self, index: int) -> bytes:
        """Ratchet the key of an index and return the new material. Raises ValueError if it has no key."""
        self._check(index)
        key = self._keys[index]
        if key is None:
            raise ValueError(f"there is no key at index {index} to ratchet")
        self._keys[index] = ratcheted = key.ratcheted()
        return ratcheted.material

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self._keys):
            raise ValueError(f"a key index must be from 0 to {len(self._keys) - 1}, not {index}")
