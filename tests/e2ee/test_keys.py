"""Key derivation, as in official clients."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livekit.e2ee.keys import Key, KeyRing
from livekit.enums import KeyDerivationFunction

SALT = b"LKFrameEncryptionKey"
IV = bytes(12)


def test_pbkdf2_key_derivation() -> None:
    expected = hashlib.pbkdf2_hmac("sha256", b"secret", SALT, 100_000, 16)
    ciphertext = AESGCM(expected).encrypt(IV, b"hello", None)
    assert Key(b"secret", SALT, KeyDerivationFunction.PBKDF2).aead.decrypt(IV, ciphertext, None) == b"hello"


def test_ratcheted_key_is_derived_from_the_material() -> None:
    key = Key(b"secret", SALT, KeyDerivationFunction.PBKDF2)
    assert key.ratcheted().material == hashlib.pbkdf2_hmac("sha256", b"secret", SALT, 100_000, 32)
    assert key.ratcheted() is key.ratcheted(), "cached"


def test_keys_are_those_of_official_clients() -> None:
    key = Key(b"abc", SALT, KeyDerivationFunction.PBKDF2)
    material = bytes.fromhex("82f694330afd011bcbb4973145d647555e09cf21dd76f9c8f37039775480d555")
    assert key.ratcheted().material == material
    hkdf = Key(b"abc", SALT, KeyDerivationFunction.HKDF)
    for derived, expected in (
        (key, "82f694330afd011bcbb4973145d64755"),
        (key.ratcheted(), "4ec1f2ef6309eb7e14c7519e1cb1521e"),
        (hkdf, "f6d87ff25d304cd2bf4b56ee2ac0da58"),
    ):
        ciphertext = AESGCM(bytes.fromhex(expected)).encrypt(IV, b"hello", None)
        assert derived.decrypt(IV, ciphertext) == b"hello"


def test_hkdf_differs_from_pbkdf2() -> None:
    ciphertext = Key(b"secret", SALT, KeyDerivationFunction.HKDF).aead.encrypt(IV, b"hello", None)
    same = Key(b"secret", SALT, KeyDerivationFunction.HKDF)
    assert same.aead.decrypt(IV, ciphertext, None) == b"hello"
    assert same.ratcheted().material != Key(b"secret", SALT, KeyDerivationFunction.PBKDF2).ratcheted().material


def make_ring() -> KeyRing:
    return KeyRing(4, SALT, KeyDerivationFunction.HKDF)


@pytest.mark.parametrize("index", [-1, 4])
def test_index_outside_the_ring_raises(index: int) -> None:
    ring = make_ring()
    with pytest.raises(ValueError, match="from 0 to 3"):
        ring.set(b"k", index)
    with pytest.raises(ValueError, match="from 0 to 3"):
        ring.ratchet(index)
    assert ring.get(index) is None


def test_ratcheting_without_a_key_raises() -> None:
    with pytest.raises(ValueError, match="no key at index 1"):
        make_ring().ratchet(1)


def test_ratchet_replaces_the_key() -> None:
    ring = make_ring()
    ring.set(b"k", 1)
    material = ring.ratchet(1)
    key = ring.get(1)
    assert key is not None
    assert key.material == material != b"k"


def test_key_is_dropped_after_too_many_failures() -> None:
    ring = make_ring()
    ring.set(b"k", 0)
    for _ in range(2):
        ring.record_failure(0, tolerance=2)
    assert ring.get(0) is not None
    ring.record_failure(0, tolerance=2)
    assert ring.get(0) is None


def test_negative_tolerance_never_drops_the_key() -> None:
    ring = make_ring()
    ring.set(b"k", 0)
    for _ in range(100):
        ring.record_failure(0, tolerance=-1)
    assert ring.get(0) is not None
