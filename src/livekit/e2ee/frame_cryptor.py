"""The switch of one track's encryption."""

from __future__ import annotations

__all__ = ["FrameCryptor"]

_DEFAULT_RING_SIZE = 16
_MAX_RING_SIZE = 256  # the trailer has one byte for the index


class FrameCryptor:
    """The encryption of one track: on or off, and the key that a local track is encrypted with.

    Received frames name their key themselves.
    """

    def __init__(
        self,
        participant_identity: str,
        track_sid: str,
        key_index: int = 0,
        enabled: bool = True,
        *,
        key_ring_size: int = _DEFAULT_RING_SIZE,
    ) -> None:
        self._participant_identity = participant_identity
        self._track_sid = track_sid
        self._key_index = key_index
        self._enabled = enabled
        self.key_ring_size = min(key_ring_size, _MAX_RING_SIZE)
        """Key indexes are below it."""

    @property
    def participant_identity(self) -> str:
        return self._participant_identity

    @property
    def track_sid(self) -> str:
        return self._track_sid

    @property
    def key_index(self) -> int:
        """The index of the key that frames are encrypted with from now on."""
        return self._key_index

    @property
    def enabled(self) -> bool:
        """True if frames are encrypted, or decrypted."""
        return self._enabled

    def set_enabled(self, enabled: bool) -> None:
        """Encrypt or decrypt from the next frame on, or pass frames as they are."""
        self._enabled = enabled

    def set_key_index(self, key_index: int) -> None:
        """Encrypt with another key from the next frame on. Without a key there, the track is silent until it is set.

        Raises:
            ValueError: The index is outside the key ring.
        """
        if not 0 <= key_index < self.key_ring_size:
            raise ValueError(f"a key index must be from 0 to {self.key_ring_size - 1}, not {key_index}")
        self._key_index = key_index

    def __repr__(self) -> str:
        return (
            f"rtc.FrameCryptor(participant_identity={self._participant_identity!r}, track_sid={self._track_sid!r}, "
            f"key_index={self._key_index}, enabled={self._enabled})"
        )
