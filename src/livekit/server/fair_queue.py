"""Whose packet goes next to a participant that takes them more slowly than they come. No I/O."""

from __future__ import annotations

from collections import deque

__all__ = ["FairQueue"]


class FairQueue:
    """Packets that wait, by sender: each sender has one turn after another, its own packets stay in their order.

    Who floods a participant holds up itself, and the others by one packet each time.
    """

    def __init__(self) -> None:
        self._senders: deque[str] = deque()
        """Those of whom packets wait, in the order of their turns."""
        self._packets: dict[str, deque[bytes]] = {}
        self.size = 0
        """Bytes that wait."""

    def __bool__(self) -> bool:
        return bool(self._senders)

    def add(self, sender: str, data: bytes) -> None:
        packets = self._packets.get(sender)
        if packets is None:
            packets = self._packets[sender] = deque()
            self._senders.append(sender)
        packets.append(data)
        self.size += len(data)

    def take(self) -> bytes:
        """The next packet. Raises IndexError if there is none."""
        sender = self._senders.popleft()
        packets = self._packets[sender]
        data = packets.popleft()
        self.size -= len(data)
        if packets:
            self._senders.append(sender)
        else:
            del self._packets[sender]
        return data

    def clear(self) -> None:
        self._senders.clear()
        self._packets.clear()
        self.size = 0
