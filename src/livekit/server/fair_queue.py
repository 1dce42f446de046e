"""A fair queue of packets to one receiver, round-robin by sender. No I/O."""

from __future__ import annotations

from collections import deque

__all__ = ["FairQueue"]


class FairQueue:
    """Round-robin fair queue: one packet of each sender at a time, FIFO within a sender.

    A sender that floods the receiver delays mostly its own packets; each packet of another sender waits for one of its
    packets only.
    """

    def __init__(self) -> None:
        self._senders: deque[str] = deque()
        """Senders with queued packets, in round-robin order."""
        self._packets: dict[str, deque[bytes]] = {}
        self.size = 0
        """Queued bytes."""

    def __bool__(self) -> bool:
        return bool(self._senders)

    def push(self, sender: str, data: bytes) -> None:
        """Append a packet to the queue of its sender."""
        packets = self._packets.get(sender)
        if packets is None:
            packets = self._packets[sender] = deque()
            self._senders.append(sender)
        packets.append(data)
        self.size += len(data)

    def pop(self) -> bytes:
        """Remove and return the next packet. Raises IndexError if the queue is empty."""
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
        """Discard all packets."""
        self._senders.clear()
        self._packets.clear()
        self.size = 0
