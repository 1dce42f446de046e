"""Encryption options, with the official SDK's names and defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from livekit.enums import EncryptionType, KeyDerivationFunction

DEFAULT_RATCHET_SALT = b"LKFrameEncryptionKey"
DEFAULT_RATCHET_WINDOW_SIZE = 16
DEFAULT_FAILURE_TOLERANCE = -1
DEFAULT_KEY_RING_SIZE = 16


@dataclass
class KeyProviderOptions:
    """Options of a room's keys."""

    shared_key: bytes | None = None
    """A key shared by all participants, at index 0; None for one key per participant."""
    ratchet_salt: bytes = DEFAULT_RATCHET_SALT
    ratchet_window_size: int = DEFAULT_RATCHET_WINDOW_SIZE
    """Ratchet steps to try when a packet cannot be decrypted; 0 for none."""
    failure_tolerance: int = DEFAULT_FAILURE_TOLERANCE
    """Consecutive decryption failures after which a key is dropped; negative for no limit."""
    key_ring_size: int = DEFAULT_KEY_RING_SIZE
    """The number of keys; indexes are below it."""
    key_derivation_function: KeyDerivationFunction.ValueType = KeyDerivationFunction.PBKDF2


@dataclass
class E2EEOptions:
    """Encryption of a room. As `RoomOptions.encryption` it encrypts all data, and drops data received in plaintext."""

    key_provider_options: KeyProviderOptions = field(default_factory=KeyProviderOptions)
    encryption_type: EncryptionType.ValueType = EncryptionType.GCM
