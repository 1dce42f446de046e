"""The encryption of a room's audio and video tracks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from .decryption import Report
from .frame_cipher import FrameOpener, FrameSealer
from .frame_cryptor import FrameCryptor
from .frame_format import OPUS, FrameFormat
from .key_derivation import BackgroundDerivation

if TYPE_CHECKING:
    from livekit.enums import EncryptionState

    from .provider import KeyProvider

__all__ = ["FrameCiphers"]


class FrameContext(Protocol):
    """The room of the tracks."""

    sif_trailer: bytes
    """The end of frames that the server inserts: `JoinResponse.sif_trailer`."""
    on_frame_state: Callable[[str, str, EncryptionState.ValueType], None]
    """Called for each frame with participant identity, track sid, and the result of sealing or opening it."""


class FrameCiphers:
    """Makes what seals and opens the frames of each track, and holds the tracks' `FrameCryptor`s.

    Args:
        provider: the room's keys; None in a room without encryption.
    """

    def __init__(self, provider: KeyProvider | None, room: FrameContext, *, enabled: bool) -> None:
        self._provider = provider
        self._room = room
        self._enabled = enabled
        self._cryptors: dict[tuple[str, str], FrameCryptor] = {}
        self._derivation = BackgroundDerivation()

    def sealer(self, identity: str, track_sid: str, frame_format: FrameFormat = OPUS) -> FrameSealer | None:
        """Return what seals the frames of a local track; None in a room without encryption."""
        if self._provider is None:
            return None
        cryptor = self._add(self._provider, identity, track_sid)
        report = self._reporter(identity, track_sid)
        return FrameSealer(cryptor, self._provider, report, frame_format, prepare=self._derivation.successor)

    def opener(
        self, identity: str, track_sid: str, *, encrypted: bool, frame_format: FrameFormat = OPUS
    ) -> FrameOpener | None:
        """Return what opens the frames of a remote track; None for a plain track in a room without encryption.

        Args:
            encrypted: True if the track's TrackInfo announces encryption.
        """
        if self._provider is None:
            if not encrypted:
                return None
            cryptor = FrameCryptor(identity, track_sid, enabled=False)
        else:
            cryptor = self._add(self._provider, identity, track_sid)
        return FrameOpener(
            cryptor,
            self._provider,
            self._reporter(identity, track_sid),
            frame_format,
            sif_trailer=lambda: self._room.sif_trailer,
            successor=self._derivation.successor,
        )

    def remove(self, identity: str, track_sid: str) -> None:
        """Drop the `FrameCryptor` of a track that ended."""
        self._cryptors.pop((identity, track_sid), None)

    def set_enabled(self, enabled: bool) -> None:
        """Switch the encryption of all tracks, also of those to come."""
        self._enabled = enabled
        for cryptor in self._cryptors.values():
            cryptor.set_enabled(enabled)

    def cryptors(self) -> list[FrameCryptor]:
        """Return the encryption of each track."""
        return list(self._cryptors.values())

    def _reporter(self, identity: str, track_sid: str) -> Report:
        return lambda state: self._room.on_frame_state(identity, track_sid, state)

    def _add(self, provider: KeyProvider, identity: str, track_sid: str) -> FrameCryptor:
        """Return the track's `FrameCryptor`: the one before, if the track is published or subscribed to again."""
        cryptor = self._cryptors.get((identity, track_sid))
        if cryptor is None:
            size = provider.options.key_ring_size
            cryptor = FrameCryptor(identity, track_sid, enabled=self._enabled, key_ring_size=size)
            self._cryptors[identity, track_sid] = cryptor
        return cryptor
