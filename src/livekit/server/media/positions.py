"""Positions of an incoming stream's packets: sequence numbers that never wrap, without padding and duplicates."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from livekit.webrtc.serial_number import unwrap_16

__all__ = ["EPOCH", "Positions"]

EPOCH: Final = 1 << 40
"""Positions per epoch. A source that restarts at another sequence number begins a new epoch."""
WINDOW: Final = 1024
"""Sequence numbers that a packet may be late."""
MAX_JUMP: Final = 3000
"""A jump ahead by more sequence numbers than this is believed only if the next packet confirms it (RFC 3550 A.1)."""
_NONE: Final = range(0)
_MASK: Final = (1 << WINDOW) - 1


class Positions:
    """Assigns a position to each packet with media, once.

    Consecutive packets have consecutive positions, lost packets leave gaps, and late ones fill them. Packets of padding
    only take no position: the packets after them move up. A packet before the first one has no position.
    """

    __slots__ = ("_closed", "_epoch", "_first", "_padding", "_seen", "_suspect", "highest", "missing")

    def __init__(self) -> None:
        self.highest = -1
        """The highest sequence number, extended; -1 before the first packet."""
        self.missing = _NONE
        """Extended sequence numbers that the last packet has shown to be missing."""
        self._first = 0
        self._epoch = 0
        self._seen = 0  # bit n stands for `highest - n`
        self._closed = 0
        self._padding: list[int] = []  # extended sequence numbers within the window whose positions were closed
        self._suspect = -1

    def assign(self, sequence_number: int, *, is_padding: bool) -> int | None:
        """Return the position of a packet; None for padding, a duplicate, and a packet that is too old or stray."""
        extended = self.highest + 1
        if extended > 0 and extended & 0xFFFF == sequence_number:
            self._seen = (self._seen << 1 | 1) & _MASK
            self.missing = _NONE
        else:
            self.missing = _NONE
            if not extended:
                return self._begin(sequence_number, is_padding)
            extended = unwrap_16(sequence_number, self.highest)
            ahead = extended - self.highest
            if not -MAX_JUMP <= ahead <= MAX_JUMP:
                return self._restart(sequence_number, is_padding)
            if ahead <= 0:
                return self._late(extended, is_padding)
            self._seen = (self._seen << ahead | 1) & _MASK
            self.missing = range(self.highest + 1, extended)
        self.highest = extended
        if is_padding:
            self._close(extended)
            return None
        return self._epoch + extended - self._closed

    def _begin(self, sequence_number: int, is_padding: bool) -> int | None:
        self._first = self.highest = sequence_number
        self._seen = 1
        self._closed = 0
        self._padding.clear()
        self._suspect = -1
        if is_padding:
            self._close(sequence_number)
            return None
        return self._epoch + sequence_number

    def _restart(self, sequence_number: int, is_padding: bool) -> int | None:
        if sequence_number != self._suspect:
            self._suspect = (sequence_number + 1) & 0xFFFF
            return None
        self._epoch += EPOCH
        return self._begin(sequence_number, is_padding)

    def _late(self, extended: int, is_padding: bool) -> int | None:
        age = self.highest - extended
        if extended < self._first or age >= WINDOW or self._seen >> age & 1:
            return None
        self._seen |= 1 << age
        if is_padding:  # later packets have their positions already: it stays a gap
            return None
        closed_after = len(self._padding) - bisect_right(self._padding, extended)
        return self._epoch + extended - self._closed + closed_after

    def _close(self, extended: int) -> None:
        self._closed += 1
        self._padding.append(extended)
        if self._padding[0] <= extended - WINDOW:
            del self._padding[: bisect_right(self._padding, extended - WINDOW)]
