"""The keys of a room, set by the application."""

from __future__ import annotations

from .keys import KeyRing
from .options import KeyProviderOptions


class KeyProvider:
    """Keys by participant, or shared by all if `KeyProviderOptions.shared_key` is set."""

    def __init__(self, options: KeyProviderOptions) -> None:
        self._options = options
        self._shared = self._new_ring()
        self._own: dict[str, KeyRing] = {}
        self._followers: dict[str, KeyRing] = {}
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
        for follower in self._followers.values():
            follower.adopt(key_index)
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
        return self.sending_ring(participant_identity).ratchet(key_index)

    def sending_ring(self, participant_identity: str) -> KeyRing:
        """Return the keys that encrypt what a participant sends."""
        if self._options.shared_key is not None:
            return self._shared
        return self._own.get(participant_identity) or self._shared

    def ring(self, participant_identity: str) -> KeyRing:
        """Return the keys that decrypt what a participant sent; with shared keys it ratchets on its own."""
        ring = self.sending_ring(participant_identity)
        if ring is not self._shared:
            return ring
        follower = self._followers.get(participant_identity)
        if follower is None:
            follower = self._followers[participant_identity] = ring.follower()
        return follower

    def forget(self, participant_identity: str) -> None:
        """Drop how far a participant that left has ratcheted the shared keys."""
        self._followers.pop(participant_identity, None)

    def _new_ring(self) -> KeyRing:
        options = self._options
        return KeyRing(options.key_ring_size, options.ratchet_salt, options.key_derivation_function)
