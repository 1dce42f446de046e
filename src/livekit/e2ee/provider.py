"""The keys of a room, set by the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .keys import KeyRing
from .options import E2EEOptions, KeyProviderOptions

if TYPE_CHECKING:
    from livekit.media.tracks import FrameCryptor


class KeyProvider:
    """Keys by participant, or shared by all if `KeyProviderOptions.shared_key` is set."""

    def __init__(self, options: KeyProviderOptions) -> None:
        self._options = options
        self._shared = self._new_ring()
        self._own: dict[str, KeyRing] = {}
        self.latest_index = 0
        """The index set last; sent packets are encrypted with its key."""
        if options.shared_key is not None:
            self.set_shared_key(options.shared_key, 0)

    @property
    def options(self) -> KeyProviderOptions:
        return self._options

    def set_shared_key(self, key: bytes, key_index: int) -> None:
        """Set the shared key of an index and send with it from now on. Raises ValueError for a bad index."""
        self._shared.set(key, key_index)
        self.latest_index = key_index

    def export_shared_key(self, key_index: int) -> bytes:
        """Return the shared key; empty if it is not set."""
        key = self._shared.get(key_index)
        return b"" if key is None else key.material

    def ratchet_shared_key(self, key_index: int) -> bytes:
        """Ratchet the shared key and return the new one. Raises ValueError if it is not set."""
        return self._shared.ratchet(key_index)

    def set_key(self, participant_identity: str, key: bytes, key_index: int) -> None:
        """Set the key of one participant and send with its index from now on. Raises ValueError for a bad index."""
        self._own.setdefault(participant_identity, self._new_ring()).set(key, key_index)
        self.latest_index = key_index

    def export_key(self, participant_identity: str, key_index: int) -> bytes:
        """Return the key of one participant; empty if it is not set."""
        ring = self._own.get(participant_identity)
        key = ring.get(key_index) if ring else None
        return b"" if key is None else key.material

    def ratchet_key(self, participant_identity: str, key_index: int) -> bytes:
        """Ratchet the key of one participant and return the new one. Raises ValueError if it is not set."""
        return self.ring(participant_identity).ratchet(key_index)

    def ring(self, participant_identity: str) -> KeyRing:
        """Return the keys that decrypt a participant's packets."""
        if self._options.shared_key is not None:
            return self._shared
        return self._own.get(participant_identity) or self._shared

    def _new_ring(self) -> KeyRing:
        options = self._options
        return KeyRing(options.key_ring_size, options.ratchet_salt, options.key_derivation_function)


class E2EEManager:
    """Switches the encryption of a room on and off, and holds its keys."""

    def __init__(self, options: E2EEOptions | None) -> None:
        self.options = options
        self._enabled = options is not None
        self._key_provider = None if options is None else KeyProvider(options.key_provider_options)

    @property
    def key_provider(self) -> KeyProvider | None:
        """The room's keys; None in a room without encryption."""
        return self._key_provider

    @property
    def enabled(self) -> bool:
        """True if sent data is encrypted."""
        return self._enabled

    def set_enabled(self, enabled: bool) -> None:
        """Start or stop encrypting sent data."""
        self._enabled = enabled

    def frame_cryptors(self) -> list[FrameCryptor]:
        """Return the encryption of each track: empty, as audio and video tracks are not implemented yet."""
        return []
