"""Deduplication of user packets by `UserPacket.nonce`.

After a full reconnect a client retransmits packets that were not acknowledged, under a new sid. If the server has lost
the state of the old sid, receivers may get such a packet twice. (Within one sid, sequence numbers prevent this.)
"""

from __future__ import annotations

import os
import struct

__all__ = ["MAX_SENDERS", "UserPacketDedup", "UserPacketNonces"]

_FORMAT = struct.Struct(">4s8sI")
"""Magic, random sender id, sequence number."""
_MAGIC = b"once"
"""Distinguishes these nonces from those of other SDKs, which are ignored."""
MAX_SENDERS = 4_096
"""Senders whose last sequence number is remembered."""


class UserPacketNonces:
    """Numbers the packets of one sender."""

    def __init__(self) -> None:
        self._sender_id = os.urandom(8)
        self._sequence = 0

    def next(self) -> bytes:
        """Return the nonce of the next packet."""
        self._sequence = self._sequence + 1 & 0xFFFFFFFF
        return _FORMAT.pack(_MAGIC, self._sender_id, self._sequence)


class UserPacketDedup:
    """Rejects packets that were received before."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, int]] = {}
        """Sender id and sequence number of the last packet, by identity."""

    def is_new(self, sender: str, nonce: bytes) -> bool:
        """Record a packet; return False if it is a duplicate. Packets without a known nonce are always new."""
        if len(nonce) != _FORMAT.size or not nonce.startswith(_MAGIC):
            return True
        _, sender_id, sequence = _FORMAT.unpack(nonce)
        last = self._last.get(sender)
        if last is not None and last[0] == sender_id and sequence <= last[1]:
            return False
        if last is None and len(self._last) >= MAX_SENDERS:
            del self._last[next(iter(self._last))]
        self._last[sender] = sender_id, sequence
        return True
