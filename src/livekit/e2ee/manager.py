"""The encryption of a room: its switch, its keys and its tracks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit._util.callbacks import ignore
from livekit.enums import EncryptionType

from .options import E2EEOptions
from .provider import KeyProvider

if TYPE_CHECKING:
    from livekit.enums import EncryptionState

    from .frame_ciphers import FrameCiphers
    from .frame_cryptor import FrameCryptor


class E2EEManager:
    """Switches the encryption of a room on and off, and holds its keys."""

    def __init__(self, options: E2EEOptions | None) -> None:
        self.options = options
        self._enabled = options is not None
        self._key_provider = None if options is None else KeyProvider(options.key_provider_options)
        self.on_frame_state: Callable[[str, str, EncryptionState.ValueType], None] = ignore
        """Called for each frame of a track with participant identity, track sid, and the result."""
        self.sif_trailer = b""
        """The end of frames that the server inserts: `JoinResponse.sif_trailer`."""
        self._frames: FrameCiphers | None = None

    @property
    def key_provider(self) -> KeyProvider | None:
        """The room's keys; None in a room without encryption."""
        return self._key_provider

    @property
    def enabled(self) -> bool:
        """True if sent data is encrypted."""
        return self._enabled

    def set_enabled(self, enabled: bool) -> None:
        """Start or stop encrypting and decrypting tracks, and encrypting sent data."""
        self._enabled = enabled
        if self._frames is not None:
            self._frames.set_enabled(enabled)

    def frame_cryptors(self) -> list[FrameCryptor]:
        """Return the encryption of each track, sent or received."""
        return [] if self._frames is None else self._frames.cryptors()

    @property
    def encryption_type(self) -> EncryptionType.ValueType:
        """Encryption type announced in AddTrackRequest and TrackInfo. Unless it is NONE, RED must be off."""
        return EncryptionType.NONE if self.options is None else self.options.encryption_type

    @property
    def frames(self) -> FrameCiphers:
        """The encryption of audio and video tracks. It is imported with the first track."""
        if self._frames is None:
            from .frame_ciphers import FrameCiphers

            provider = None if self.encryption_type == EncryptionType.NONE else self._key_provider
            self._frames = FrameCiphers(provider, self, enabled=self._enabled)
        return self._frames
