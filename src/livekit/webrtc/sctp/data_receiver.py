"""Reception of DATA: TSN tracking and delayed SACKs (RFC 9260 sections 6.2 and 6.7)."""

from __future__ import annotations

from bisect import bisect_left

from livekit.webrtc.serial_number import unwrap_32

from .chunks import DATA_BODY, ForwardTsn, Sack
from .constants import (
    CHUNK_OVERHEAD,
    DUPLICATE_SACK_PACKETS,
    FLAG_IMMEDIATE,
    IMMEDIATE_SACK_DELAY,
    MAX_DUPLICATES,
    MAX_GAP_BLOCKS,
    MAX_GAPS,
    MAX_PACKET_SIZE,
    MAX_TSN_AHEAD,
    NEVER,
    PACKET_HEADER_SIZE,
    RECEIVE_BUFFER,
    RECEIVE_WINDOW,
    SACK_DELAY,
    TSN_MASK,
)
from .packet import ChunkError
from .reassembly import Deliver, Reassembly

_BODY_SIZE = DATA_BODY.size
_HALF = 0x8000_0000
_SACK_OVERHEAD = PACKET_HEADER_SIZE + 16 + 4 * MAX_DUPLICATES


class DataReceiver:
    """The data receiver of an association."""

    __slots__ = (
        "_duplicates",
        "_immediate_requested",
        "_ranges",
        "_sack_at_once",
        "_unacked_packets",
        "cumulative_tsn",
        "reassembly",
        "sack_at",
    )

    def __init__(self, initial_tsn: int, deliver: Deliver) -> None:
        self.cumulative_tsn = initial_tsn - 1
        """Cumulative TSN: everything up to it has arrived."""
        self.reassembly = Reassembly(deliver)
        self.sack_at = NEVER
        """Time at which to send a SACK."""
        self._ranges: list[list[int]] = []  # [first, last] above the cumulative TSN, ascending, with gaps between
        self._duplicates: list[int] = []
        self._unacked_packets = 0
        self._immediate_requested = False
        self._sack_at_once = False

    def receive_data(self, packet: bytes, flags: int, start: int, end: int) -> None:
        """Process a DATA chunk, whose body is `packet[start:end]`.

        Raises:
            ChunkError: The chunk has no user data (section 6.2 would abort the association).
            MessageTooLongError: The chunk continues a message over `MAX_MESSAGE_SIZE`.
        """
        payload_start = start + _BODY_SIZE
        if end <= payload_start:
            raise ChunkError("DATA chunk without user data")
        wire_tsn, stream, ssn, ppid = DATA_BODY.unpack_from(packet, start)
        if flags & FLAG_IMMEDIATE:
            self._immediate_requested = True
        ahead = (wire_tsn - self.cumulative_tsn) & TSN_MASK
        if ahead == 1 and not self._ranges:  # fast path: in sequence
            tsn = self.cumulative_tsn = self.cumulative_tsn + 1
        elif ahead == 0 or ahead >= _HALF:
            self._record_duplicate(wire_tsn)
            return
        else:
            tsn = self.cumulative_tsn + ahead
            if not self._track(tsn, ahead, end - payload_start):
                return
        self.reassembly.add(tsn, flags, stream, ssn, ppid, packet[payload_start:end])

    def schedule_sack(self, now: float) -> None:
        """Schedule the SACK for a packet with DATA (section 6.2, RFC 7053 section 5.2)."""
        self._unacked_packets += 1
        if self._unacked_packets >= 2 or self._sack_at_once or self._ranges:
            self.sack_at = now
        elif self._immediate_requested:
            self.sack_at = min(self.sack_at, now + IMMEDIATE_SACK_DELAY)
        elif self.sack_at == NEVER:
            self.sack_at = now + SACK_DELAY

    def receive_forward_tsn(self, chunk: ForwardTsn, now: float) -> None:
        """Skip chunks that the sender abandoned (RFC 3758 section 3.6)."""
        tsn = unwrap_32(chunk.cumulative_tsn, self.cumulative_tsn)
        self.sack_at = now
        if tsn <= self.cumulative_tsn or tsn > self.cumulative_tsn + MAX_TSN_AHEAD:
            return
        self.cumulative_tsn = tsn
        while self._ranges and self._ranges[0][0] <= self.cumulative_tsn + 1:
            self.cumulative_tsn = max(self.cumulative_tsn, self._ranges.pop(0)[1])
        self.reassembly.skip(tsn, chunk.streams)

    def should_duplicate_sack(self) -> bool:
        """Return True if the next SACK covers several packets on a lossy path, so that its loss would be expensive."""
        return self._unacked_packets >= DUPLICATE_SACK_PACKETS and bool(self._ranges or self._duplicates)

    def sack(self, max_packet_size: int = MAX_PACKET_SIZE) -> Sack:
        """Return the SACK to send now, which fits into a packet, and reset the state that it reports."""
        base = self.cumulative_tsn
        duplicates, self._duplicates = self._duplicates, []
        self._unacked_packets = 0
        self._immediate_requested = self._sack_at_once = False
        self.sack_at = NEVER
        window = RECEIVE_WINDOW - self.reassembly.buffered
        max_gaps = min(MAX_GAP_BLOCKS, (max_packet_size - _SACK_OVERHEAD) // 4)
        gaps = [(first - base, last - base) for first, last in self._ranges[:max_gaps]]
        return Sack(base & TSN_MASK, max(0, window), gaps, duplicates)

    def _record_duplicate(self, wire_tsn: int) -> None:
        self._sack_at_once = True
        if len(self._duplicates) < MAX_DUPLICATES:
            self._duplicates.append(wire_tsn)

    def _track(self, tsn: int, ahead: int, size: int) -> bool:
        """Record a TSN received out of sequence; return False if it is a duplicate or must be dropped."""
        ranges = self._ranges
        if ahead == 1:  # closes the first gap: accepted even if the buffer is full (section 6.2)
            self.cumulative_tsn = ranges.pop(0)[1] if ranges and ranges[0][0] == tsn + 1 else tsn
            self._sack_at_once = True
            return True
        index = bisect_left(ranges, [tsn + 1])  # ranges[:index] start at or before tsn
        if index and tsn <= ranges[index - 1][1]:
            self._record_duplicate(tsn & TSN_MASK)
            return False
        self._sack_at_once = True
        if ahead > MAX_TSN_AHEAD or self.reassembly.buffered + size + CHUNK_OVERHEAD > RECEIVE_BUFFER:
            return False
        touches_left = index > 0 and ranges[index - 1][1] == tsn - 1
        touches_right = index < len(ranges) and ranges[index][0] == tsn + 1
        if touches_left and touches_right:
            ranges[index - 1][1] = ranges.pop(index)[1]
        elif touches_left:
            ranges[index - 1][1] = tsn
        elif touches_right:
            ranges[index][0] = tsn
        elif len(ranges) < MAX_GAPS:
            ranges.insert(index, [tsn, tsn])
        else:
            return False
        return True
