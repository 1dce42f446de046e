"""Key derivation and ratcheting, as LiveKit does it (SFrame, draft-omara-sframe-00, section 4.3), for AES-128-GCM."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from livekit.enums import KeyDerivationFunction

PBKDF2_ITERATIONS = 100_000
KEY_BYTES = 16
IV_BYTES = 12
TAG_BYTES = 16
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

    def __init__(self, material: bytes, salt: bytes, function: int, step: int = 0) -> None:
        self.material = material
        self.step = step
        """Number of times that the key was ratcheted since it was set."""
        self._salt = salt
        self._function = function
        self._expanded: bytes | None = None
        self._aead: AESGCM | None = None
        self._next: Key | None = None

    @property
    def is_derived(self) -> bool:
        """True if `aead` and `ratcheted` take no time."""
        return self._aead is not None

    @property
    def aead(self) -> AESGCM:
        """The AES-GCM cipher. Deriving its key with PBKDF2 takes about 20 ms; the result is cached."""
        if self._aead is None:
            self._aead = AESGCM(self._expand()[:KEY_BYTES])
        return self._aead

    def _expand(self) -> bytes:
        """Derive the next material, which begins with the cipher's key: both functions extend shorter outputs."""
        if self._expanded is None:
            self._expanded = _DERIVE[self._function](self.material, self._salt, RATCHETED_BYTES)
        return self._expanded

    def decrypt(self, iv: bytes, ciphertext: bytes, associated_data: bytes | None = None) -> bytes | None:
        """Return the plaintext; None if the key, the IV or the data is another than when it was encrypted."""
        if len(iv) != IV_BYTES:
            return None
        try:
            return self.aead.decrypt(iv, ciphertext, associated_data)
        except InvalidTag:
            return None

    def ratcheted(self) -> Key:
        """Return the next key of the ratchet (a one-way function of this key). The result is cached."""
        if self._next is None:
            self._next = Key(self._expand(), self._salt, self._function, self.step + 1)
        return self._next

    def derived_successor(self) -> Key | None:
        """Return the next key of the ratchet if it was derived before; None otherwise."""
        return self._next if self._next is not None and self._next.is_derived else None

    def derive_successor(self) -> Key:
        """Derive the next key of the ratchet and its cipher, which takes about 20 ms with PBKDF2. Thread-safe."""
        successor = self.ratcheted()
        _ = successor.aead
        return successor


class KeyRing:
    """The keys of one participant, or the shared keys of a room, by index.

    Args:
        origin: the shared keys that this ring follows.
    """

    def __init__(self, size: int, salt: bytes, function: int, origin: KeyRing | None = None) -> None:
        self._keys: list[Key | None] = [None if origin is None else origin.get(index) for index in range(size)]
        self._failures = [0] * size
        self._salt = salt
        self._function = function
        self._origin = origin

    def follower(self) -> KeyRing:
        """Return a ring for one sender of shared keys, which ratchets apart from them: senders do not ratchet at once.

        Pass it the keys that are set here, by `adopt`.
        """
        return KeyRing(len(self._keys), self._salt, self._function, self)

    def set(self, material: bytes, index: int) -> None:
        """Set the key of an index. Raises ValueError for an index outside the ring."""
        self.check(index)
        self._keys[index] = Key(bytes(material), self._salt, self._function)
        self._failures[index] = 0

    def adopt(self, index: int) -> None:
        """Take over the origin's key."""
        if self._origin is not None:
            self._keys[index] = self._origin.get(index)
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

    def last_step(self, index: int, window: int) -> int:
        """Return the last step of the ratchet to try: `window` after this key or the origin's, whichever is ahead."""
        steps = [key.step for ring in (self, self._origin) if ring is not None and (key := ring.get(index)) is not None]
        return max(steps, default=0) + window

    def ratchet(self, index: int) -> bytes:
        """Ratchet the key of an index and return the new material. Raises ValueError if it has no key."""
        self.check(index)
        key = self._keys[index]
        if key is None:
            raise ValueError(f"there is no key at index {index} to ratchet")
        self._keys[index] = ratcheted = key.ratcheted()
        return ratcheted.material

    def check(self, index: int) -> None:
        """Raise ValueError for an index outside the ring."""
        if not 0 <= index < len(self._keys):
            raise ValueError(f"a key index must be from 0 to {len(self._keys) - 1}, not {index}")
