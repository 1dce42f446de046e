"""Receiving DATA: which TSNs have arrived, and when to acknowledge them (RFC 9260 sections 6.2 and 6.7)."""

from __future__ import annotations

from bisect import bisect_left

from .chunks import DATA_BODY, ForwardTsn, Sack
from .constants import (
    CHUNK_OVERHEAD,
    DUPLICATE_SACK_PACKETS,
    FLAG_IMMEDIATE,
    IMMEDIATE_SACK_DELAY,
    MAX_DUPLICATES,
    MAX_GAP_BLOCKS,
    MAX_GAPS,
    MAX_TSN_AHEAD,
    NEVER,
    RECEIVE_BUFFER,
    RECEIVE_WINDOW,
    SACK_DELAY,
)
from .packet import ChunkError
from .reassembly import Deliver, Reassembly
from .serial_number import TSN_MASK, unwrap

_BODY_SIZE = DATA_BODY.size
_HALF = 0x8000_0000


class DataReceiver:
    """The receiving half of an association."""

    __slots__ = (
        "_duplicates",
        "_immediate",
        "_packets",
        "_ranges",
        "_sack_at_once",
        "cumulative_tsn",
        "reassembly",
        "sack_at",
    )

    def __init__(self, initial_tsn: int, deliver: Deliver) -> None:
        self.cumulative_tsn = initial_tsn - 1
        """Everything up to this TSN has arrived."""
        self.reassembly = Reassembly(deliver)
        self.sack_at = NEVER
        """When a SACK is due."""
        self._ranges: list[list[int]] = []  # [first, last] of TSNs above the cumulative one, in order, not touching
        self._duplicates: list[int] = []
        self._packets = 0
        self._immediate = False
        self._sack_at_once = False

    def receive_data(self, packet: bytes, flags: int, start: int, end: int) -> None:
        """A DATA chunk, whose body is `packet[start:end]`.

        Raises:
            ChunkError: the chunk holds no data (section 6.2 asks for an ABORT).
            MessageTooLongError: it continues a message that is too long.
        """
        payload_start = start + _BODY_SIZE
        if end <= payload_start:
            raise ChunkError("DATA chunk without user data")
        wire_tsn, stream, ssn, ppid = DATA_BODY.unpack_from(packet, start)
        if flags & FLAG_IMMEDIATE:
            self._immediate = True
        ahead = (wire_tsn - self.cumulative_tsn) & TSN_MASK
        if ahead == 1 and not self._ranges:  # what nearly always comes: the next one
            tsn = self.cumulative_tsn = self.cumulative_tsn + 1
        elif ahead == 0 or ahead >= _HALF:
            self._duplicate(wire_tsn)
            return
        else:
            tsn = self.cumulative_tsn + ahead
            if not self._accept(tsn, ahead, end - payload_start):
                return
        self.reassembly.add(tsn, flags, stream, ssn, ppid, packet[payload_start:end])

    def schedule_sack(self, now: float) -> None:
        """A packet with DATA was read: decide when to acknowledge (section 6.2, RFC 7053 section 5.2)."""
        self._packets += 1
        if self._packets >= 2 or self._sack_at_once or self._ranges:
            self.sack_at = now
        elif self._immediate:
            self.sack_at = min(self.sack_at, now + IMMEDIATE_SACK_DELAY)
        elif self.sack_at == NEVER:
            self.sack_at = now + SACK_DELAY

    def receive_forward_tsn(self, chunk: ForwardTsn, now: float) -> None:
        """The sender gave up all chunks up to a TSN (RFC 3758 section 3.6)."""
        tsn = unwrap(chunk.cumulative_tsn, self.cumulative_tsn)
        self.sack_at = now
        if tsn <= self.cumulative_tsn or tsn > self.cumulative_tsn + MAX_TSN_AHEAD:
            return
        self.cumulative_tsn = tsn
        while self._ranges and self._ranges[0][0] <= self.cumulative_tsn + 1:
            self.cumulative_tsn = max(self.cumulative_tsn, self._ranges.pop(0)[1])
        self.reassembly.skip(tsn, chunk.streams)

    def should_duplicate_sack(self) -> bool:
        """Of several packets on a path that loses some: were it lost, so would be word of them all."""
        return self._packets >= DUPLICATE_SACK_PACKETS and bool(self._ranges or self._duplicates)

    def sack(self) -> Sack:
        """The SACK to send now; what was due is done with it."""
        base = self.cumulative_tsn
        duplicates, self._duplicates = self._duplicates, []
        self._packets = 0
        self._immediate = self._sack_at_once = False
        self.sack_at = NEVER
        window = RECEIVE_WINDOW - self.reassembly.buffered
        gaps = [(first - base, last - base) for first, last in self._ranges[:MAX_GAP_BLOCKS]]
        return Sack(base & TSN_MASK, max(0, window), gaps, duplicates)

    def _duplicate(self, wire_tsn: int) -> None:
        self._sack_at_once = True
        if len(self._duplicates) < MAX_DUPLICATES:
            self._duplicates.append(wire_tsn)

    def _accept(self, tsn: int, ahead: int, size: int) -> bool:
        """Record a TSN that is not simply the next one; False if it is known or must be dropped."""
        runs = self._ranges
        if ahead == 1:  # closes the first gap, and is taken even if the buffer is full (section 6.2)
            self.cumulative_tsn = runs.pop(0)[1] if runs and runs[0][0] == tsn + 1 else tsn
            self._sack_at_once = True
            return True
        index = bisect_left(runs, [tsn + 1])  # runs[:index] begin at or before tsn
        if index and tsn <= runs[index - 1][1]:
            self._duplicate(tsn & TSN_MASK)
            return False
        self._sack_at_once = True
        if ahead > MAX_TSN_AHEAD or self.reassembly.buffered + size + CHUNK_OVERHEAD > RECEIVE_BUFFER:
            return False
        touches_left = index > 0 and runs[index - 1][1] == tsn - 1
        touches_right = index < len(runs) and runs[index][0] == tsn + 1
        if touches_left and touches_right:
            runs[index - 1][1] = runs.pop(index)[1]
        elif touches_left:
            runs[index - 1][1] = tsn
        elif touches_right:
            runs[index][0] = tsn
        elif len(runs) < MAX_GAPS:
            runs.insert(index, [tsn, tsn])
        else:
            return False
        return True
