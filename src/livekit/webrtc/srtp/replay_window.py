"""Replay protection (RFC 3711 section 3.3.2) and the packet index (section 3.3.1)."""

from __future__ import annotations

from livekit.webrtc.serial_number import unwrap_16

__all__ = ["ReplayWindow", "estimate_index"]

WINDOW_SIZE = 1024
"""Indices. RFC 3711 requires at least 64; libwebrtc uses 1,024, since retransmissions arrive late."""
_MASK = (1 << WINDOW_SIZE) - 1


class ReplayWindow:
    """The packet indices that were used, of the last `WINDOW_SIZE`."""

    __slots__ = ("_used", "highest")

    def __init__(self) -> None:
        self.highest = -1
        """The highest index that was used; -1 before the first."""
        self._used = 0  # bit n stands for index `highest - n`

    def accepts(self, index: int) -> bool:
        """Return True if `index` was not used and is not older than the window."""
        age = self.highest - index
        return age < 0 or (age < WINDOW_SIZE and not self._used >> age & 1)

    def has(self, index: int) -> bool:
        """Return True if `index` is in the window and was used."""
        age = self.highest - index
        return 0 <= age < WINDOW_SIZE and bool(self._used >> age & 1)

    def next_index(self, sequence_number: int) -> int:
        """Return the index of the next packet to send, and mark it as used; -1 if it was used or is too old."""
        highest = self.highest
        if highest >= 0 and (highest + 1) & 0xFFFF == sequence_number:
            self.highest = highest + 1
            self._used = (self._used << 1 | 1) & _MASK
            return highest + 1
        index = estimate_index(sequence_number, highest)
        if not self.accepts(index):
            return -1
        self.add(index)
        return index

    def add(self, index: int) -> None:
        """Mark an accepted index as used."""
        age = self.highest - index
        if age >= 0:
            self._used |= 1 << age
            return
        self.highest = index
        self._used = 1 if age <= -WINDOW_SIZE else (self._used << -age | 1) & _MASK


def estimate_index(sequence_number: int, highest: int) -> int:
    """Return the packet index, rollover counter and sequence number, that is nearest to the highest one.

    `highest` is -1 before the first packet, whose rollover counter is 0. The result is never negative.
    """
    if highest < 0:
        return sequence_number
    index = unwrap_16(sequence_number, highest)
    return index if index >= 0 else index + 0x1_0000
