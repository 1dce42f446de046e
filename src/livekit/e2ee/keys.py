"""Keys as LiveKit derives them (SFrame draft-omara-sframe-00, section 4.3): material in, AES-GCM-128 key out."""

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
    """One key and what follows from it."""

    def __init__(self, material: bytes, salt: bytes, function: int) -> None:
        self.material = material
        self._salt = salt
        self._function = function
        self._aead: AESGCM | None = None
        self._next: Key | None = None

    @property
    def aead(self) -> AESGCM:
        """The cipher; deriving its key takes some 20 ms with PBKDF2, once."""
        if self._aead is None:
            self._aead = AESGCM(_DERIVE[self._function](self.material, self._salt, KEY_BYTES))
        return self._aead

    def ratcheted(self) -> Key:
        """The next key: whoever has this one can make it, but not the other way round. Derived once."""
        if self._next is None:
            material = _DERIVE[self._function](self.material, self._salt, RATCHETED_BYTES)
            self._next = Key(material, self._salt, self._function)
        return self._next


class KeyRing:
    """The keys of one participant, or of all, by index."""

    def __init__(self, size: int, salt: bytes, function: int) -> None:
        self._keys: list[Key | None] = [None] * size
        self._failures = [0] * size
        self._salt = salt
        self._function = function

    def set(self, material: bytes, index: int) -> None:
        """Raises ValueError for an index outside of the ring."""
        self._check(index)
        self._keys[index] = Key(bytes(material), self._salt, self._function)
        self._failures[index] = 0

    def opened(self, index: int, key: Key) -> None:
        """A packet of this index was opened with `key`, which may be a later one than was set."""
        self._keys[index] = key
        self._failures[index] = 0

    def failed(self, index: int, tolerance: int) -> None:
        """A packet of this index could not be opened: after `tolerance` more in a row its key is dropped."""
        self._failures[index] += 1
        if 0 <= tolerance < self._failures[index]:
            self._keys[index] = None

    def get(self, index: int) -> Key | None:
        return self._keys[index] if 0 <= index < len(self._keys) else None

    def ratchet(self, index: int) -> bytes:
        """Go on to the next key of an index and return its material. Raises ValueError where there is none."""
        self._check(index)
        key = self._keys[index]
        if key is None:
            raise ValueError(f"there is no key at index {index} to ratchet")
        self._keys[index] = following = key.ratcheted()
        return following.material

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self._keys):
            raise ValueError(f"a key index must be from 0 to {len(self._keys) - 1}, not {index}")
