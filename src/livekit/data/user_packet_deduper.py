"""Packets that arrive once, however often they are sent: `UserPacket.nonce` says whose it is and which.

After a full reconnect a client sends again what nobody has confirmed, under a new sid and, where the server knows
nothing of the old one, to receivers who may have it already. (Within one sid, sequence numbers tell.)
"""

from __future__ import annotations

import os
import struct

__all__ = ["MAX_SENDERS", "UserPacketDeduper", "UserPacketNonces"]

_FORMAT = struct.Struct(">4s8sI")
_MARK = b"once"
"""What other SDKs may write into a nonce means nothing to us."""
MAX_SENDERS = 4_096
"""Senders whose last packet is remembered."""


class UserPacketNonces:
    """Numbers what one sender sends in order."""

    def __init__(self) -> None:
        self._name = os.urandom(8)
        self._count = 0

    def next(self) -> bytes:
        """The nonce of the next packet."""
        self._count = self._count + 1 & 0xFFFFFFFF
        return _FORMAT.pack(_MARK, self._name, self._count)


class UserPacketDeduper:
    """What came last, by sender's identity."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, int]] = {}

    def is_new(self, sender: str, nonce: bytes) -> bool:
        """Note a packet; False if it came before. Those without a nonce of ours are always new."""
        if len(nonce) != _FORMAT.size or not nonce.startswith(_MARK):
            return True
        _, name, count = _FORMAT.unpack(nonce)
        last = self._last.get(sender)
        if last is not None and last[0] == name and count <= last[1]:
            return False
        if last is None and len(self._last) >= MAX_SENDERS:
            del self._last[next(iter(self._last))]
        self._last[sender] = name, count
        return True
