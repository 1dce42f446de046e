"""Decryption with the keys of a sender and, within the ratchet window, their successors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit.enums import EncryptionState

from .keys import Key

if TYPE_CHECKING:
    from .provider import KeyProvider

Report = Callable[["EncryptionState.ValueType"], None]
Successor = Callable[[Key], "Key | None"]


def decrypt(
    provider: KeyProvider | None,
    sender: str,
    index: int,
    iv: bytes,
    ciphertext: bytes,
    associated_data: bytes | None = None,
    *,
    report: Report,
    successor: Successor = Key.ratcheted,
) -> bytes | None:
    """Return the plaintext, and report the state of the sender's encryption; return None if it cannot be decrypted.

    A ratcheted key that decrypts replaces its predecessor, for this sender only.

    Args:
        successor: returns the next key of the ratchet, or None if it is still being derived; then nothing is reported.
    """
    ring = provider.ring(sender) if provider else None
    first = key = ring.get(index) if ring else None
    if provider is None or ring is None or key is None:
        report(EncryptionState.MISSING_KEY)
        return None
    last_step = ring.last_step(index, provider.options.ratchet_window_size)
    while (plain := key.decrypt(iv, ciphertext, associated_data)) is None and key.step < last_step:
        following = successor(key)
        if following is None:
            return None
        key = following
    if plain is None:
        ring.record_failure(index, provider.options.failure_tolerance)
        report(EncryptionState.DECRYPTION_FAILED)
        return None
    if key is not first:
        report(EncryptionState.KEY_RATCHETED)
    ring.record_success(index, key)
    report(EncryptionState.OK)
    return plain
