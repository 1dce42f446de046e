"""Sealing of the frames that a track sends, and opening of those received."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit._util.callbacks import ignore
from livekit.enums import EncryptionState

from .decryption import Report, Successor, decrypt
from .frame_format import OPUS, FrameFormat, SealedFrame
from .keys import IV_BYTES, Key

if TYPE_CHECKING:
    from .frame_cryptor import FrameCryptor
    from .provider import KeyProvider

__all__ = ["FrameOpener", "FrameSealer"]

_IV = struct.Struct("!III")
_MASK = 0xFFFFFFFF


class FrameSealer:
    """Encrypts the frames of one local track. `seal` is the `transform` of an audio sender.

    Args:
        report: called for each frame with the result.
        prepare: called for each frame with its key, to have the next one derived before the application ratchets.
    """

    def __init__(
        self,
        cryptor: FrameCryptor,
        provider: KeyProvider,
        report: Report,
        frame_format: FrameFormat = OPUS,
        *,
        prepare: Callable[[Key], object] = ignore,
    ) -> None:
        self.cryptor = cryptor
        self._provider = provider
        self._report = report
        self._format = frame_format
        self._prepare = prepare
        self._count = 0

    def seal(self, frame: bytes, ssrc: int, timestamp: int) -> bytes | None:
        """Return the sealed frame; None, for a frame that must not be sent, if there is no key.

        Args:
            timestamp: the frame's RTP timestamp. With `ssrc` and a counter it makes the IV unique.
        """
        if not self.cryptor.enabled:
            return frame
        index = self.cryptor.key_index
        key = self._provider.sending_ring(self.cryptor.participant_identity).get(index)
        if key is None:
            self._report(EncryptionState.MISSING_KEY)
            return None
        size = self._format.clear_bytes(frame)
        clear, plain = frame[:size], frame[size:]
        iv = _IV.pack(ssrc, timestamp, (timestamp - self._count) & _MASK)
        self._count += 1
        sealed = self._format.join(SealedFrame(clear, key.aead.encrypt(iv, plain, clear), iv, index))
        while sealed is None:
            iv = os.urandom(IV_BYTES)
            sealed = self._format.join(SealedFrame(clear, key.aead.encrypt(iv, plain, clear), iv, index))
        self._prepare(key)
        self._report(EncryptionState.OK)
        return sealed


class FrameOpener:
    """Decrypts the frames of one remote track. `open` is the `transform` of an audio receiver.

    Args:
        provider: the room's keys; None in a room without encryption, where sealed frames are dropped.
        report: called for each frame with the result.
        sif_trailer: returns the end of frames that the server inserts, as in its last join response; empty for none.
        successor: returns the next key of the ratchet, or None while it is being derived.
    """

    def __init__(
        self,
        cryptor: FrameCryptor,
        provider: KeyProvider | None,
        report: Report,
        frame_format: FrameFormat = OPUS,
        *,
        sif_trailer: Callable[[], bytes] = bytes,
        successor: Successor = Key.ratcheted,
    ) -> None:
        self.cryptor = cryptor
        self._provider = provider
        self._report = report
        self._format = frame_format
        self._sif_trailer = sif_trailer
        self._successor = successor

    def open(self, frame: bytes, ssrc: int = 0, timestamp: int = 0) -> bytes | None:
        """Return the frame as it was sealed; None, for silence, if it cannot be decrypted or should be but is not.

        Only silence is taken in plaintext from the server. The SSRC and the timestamp are not used: the server changes
        them.
        """
        trailer = self._sif_trailer()
        if trailer and frame.endswith(trailer):
            blank = frame[: -len(trailer)]
            if self._format.is_blank(blank):
                return blank
            self._report(EncryptionState.DECRYPTION_FAILED)
            return None
        sealed = self._format.split(frame)
        if self._provider is None or not self.cryptor.enabled:
            if sealed is None or sealed.key_index >= self.cryptor.key_ring_size:
                return frame
            self._report(EncryptionState.MISSING_KEY)
            return None
        if sealed is None:
            self._report(EncryptionState.DECRYPTION_FAILED)
            return None
        plain = decrypt(
            self._provider,
            self.cryptor.participant_identity,
            sealed.key_index,
            sealed.iv,
            sealed.ciphertext,
            sealed.clear,
            report=self._report,
            successor=self._successor,
        )
        if plain is None:
            return None
        self._derive_ahead(self._provider, sealed.key_index)
        return sealed.clear + plain

    def _derive_ahead(self, provider: KeyProvider, index: int) -> None:
        """Have the next key derived, so that the sender's ratcheting makes no gap."""
        key = provider.ring(self.cryptor.participant_identity).get(index)
        if key is not None and provider.options.ratchet_window_size > 0:
            self._successor(key)
