"""How a room is encrypted, with the official SDK's names and defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from livekit.enums import EncryptionType, KeyDerivationFunction

DEFAULT_RATCHET_SALT = b"LKFrameEncryptionKey"
DEFAULT_RATCHET_WINDOW_SIZE = 16
DEFAULT_FAILURE_TOLERANCE = -1
DEFAULT_KEY_RING_SIZE = 16


@dataclass
class KeyProviderOptions:
    """Where keys come from."""

    shared_key: bytes | None = None
    """The key of everybody in the room, at index 0; None for a key of each participant's own."""
    ratchet_salt: bytes = DEFAULT_RATCHET_SALT
    ratchet_window_size: int = DEFAULT_RATCHET_WINDOW_SIZE
    """How often a key is ratcheted to find the one that opens a packet; 0 for never."""
    failure_tolerance: int = DEFAULT_FAILURE_TOLERANCE
    """Failures to open until a key counts as wrong; negative for no limit."""
    key_ring_size: int = DEFAULT_KEY_RING_SIZE
    """Key indexes are 0 to this, exclusive."""
    key_derivation_function: KeyDerivationFunction.ValueType = KeyDerivationFunction.PBKDF2


@dataclass
class E2EEOptions:
    """As `RoomOptions.encryption` it encrypts all data and drops what comes in plain."""

    key_provider_options: KeyProviderOptions = field(default_factory=KeyProviderOptions)
    encryption_type: EncryptionType.ValueType = EncryptionType.GCM
