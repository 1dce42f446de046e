"""Path MTU discovery: packetization layer PMTUD with black hole detection (RFC 8899).

A probe is a padded HEARTBEAT (RFC 8899 section 6.2.1); its HEARTBEAT ACK proves that packets of this size arrive. A
probe carries no data: its loss costs no retransmission and is not a congestion signal. Only probes are sent with the
Don't Fragment bit: if the path MTU falls, DATA chunks in flight cannot be split and need IP fragmentation.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from .chunks import encode_parameter
from .constants import MAX_RECEIVED_PACKET, MIN_PACKET_SIZE, NEVER, PACKET_HEADER_SIZE, ChunkType, Parameter
from .packet import encode_chunk

LOW_SIZES = (1_028, 756)
"""Probed sizes below the base size, in bytes of SCTP packets; the first one fits into an MTU of 1,100 bytes."""
LARGE_SIZES = (8_912, MAX_RECEIVED_PACKET)
"""Probed sizes above the base size: the largest that fit, after the headers of IPv6, UDP and DTLS, into jumbo frames of
9,000 bytes, and into one DTLS record. Ethernet's 1,500 bytes would carry 1,412; but packets of the base size survive a
fall of the path MTU to 1,280 bytes, the minimum of IPv6 and common in tunnels."""
PROBE_TIMER = 1.0
"""PROBE_TIMER: seconds until an unanswered probe counts as lost."""
MAX_PROBES = 3
"""MAX_PROBES: lost probes after which a size is abandoned."""
RAISE_TIMER = 600.0
"""PMTU_RAISE_TIMER: seconds until a finished search is repeated, as the path may have changed."""

_NOT_FAILED = 1 << 32
_INFO = Struct("!LLL")  # search, probed size, number of the probe
_HEARTBEAT_HEADERS = PACKET_HEADER_SIZE + len(encode_chunk(ChunkType.HEARTBEAT, encode_parameter(1, b"")))


class PathMtu:
    """The packet size of the current path.

    Packets have the minimum size until the base size is confirmed. Then the largest size is probed first, as most paths
    support a common MTU.
    """

    __slots__ = (
        "_base",
        "_failed_size",
        "_is_answered",
        "_max_size",
        "_min_size",
        "_number",
        "_on_size",
        "_probe_size",
        "_probes_lost",
        "_search",
        "is_searching",
        "size",
        "timer_at",
    )

    def __init__(self, base: int, on_size: Callable[[int], None]) -> None:
        """Start at the base size (BASE_PLPMTU). All sizes are bytes of SCTP packets; `on_size` is called on changes."""
        self.size = base
        self.timer_at = NEVER
        """Time at which to call `take_probe`."""
        self.is_searching = False
        """There are larger sizes to probe."""
        self._base = base
        self._min_size = min(base, MIN_PACKET_SIZE)
        self._max_size = 0
        self._on_size = on_size
        self._search = 0
        self._failed_size = _NOT_FAILED  # smallest size that failed in this search
        self._probe_size = 0  # 0 unless a probe is in flight
        self._probes_lost = 0
        self._number = 0
        self._is_answered = False  # the HEARTBEAT beside the last probe

    def is_too_long(self, packet_size: int) -> bool:
        """Return True if the last search has found that packets of this size do not arrive."""
        return not self.is_searching and self._failed_size < _NOT_FAILED and packet_size > self.size

    def search(self, max_size: int, now: float) -> None:
        """Start a search on a new path.

        Args:
            max_size: Longest packet that the receiver accepts (MAX_PLPMTU), if it also ignores padding chunks
                (RFC 4820); 0 to search up to the base size without them.
            now: Seconds.
        """
        self._max_size = max_size
        self._start_search(self._min_size, now)

    def suspect_black_hole(self, now: float) -> None:
        """Return to the minimum size and search again, as large packets seem to vanish (RFC 8899 section 4.3)."""
        if self.size > self._min_size and self._search:
            self._start_search(self._min_size, now)

    def take_probe(self, now: float) -> tuple[bytes, list[bytes]] | None:
        """Return what is to be sent now: a HEARTBEAT of the confirmed size, and the chunks of a probe; None if nothing.

        Only if the HEARTBEAT is answered and the probe is not, the probe's size is the reason: a path that is down
        answers neither.
        """
        if self._probe_size and self._is_answered:
            self._probes_lost += 1
            if self._probes_lost >= MAX_PROBES:
                self._fail()
        elif not self.is_searching:  # PMTU_RAISE_TIMER has expired
            self._start_search(self.size, now)
        self._probe_size = size = self._next_size()
        if not size:
            self.is_searching = False
            self.timer_at = now + RAISE_TIMER if self._larger_sizes() else NEVER
            return None
        self.timer_at = now + PROBE_TIMER
        self._is_answered = False
        self._number += 1
        return encode_chunk(ChunkType.HEARTBEAT, self._info(0)), self._probe(size)

    def reject_probe(self, now: float) -> None:
        """Abandon the size of the probe that was taken last: it is over the MTU of the local interface."""
        if self._probe_size:
            self._fail()
            self.timer_at = now

    def receive_heartbeat_ack(self, info: bytes, now: float) -> None:
        """Adopt the probed size if the HEARTBEAT ACK is that of a probe of this search."""
        if not self._probe_size or len(info) < 4 + _INFO.size:
            return
        search, size, number = _INFO.unpack_from(info, 4)
        if search != self._search:
            return
        if not size:
            self._is_answered |= number == self._number
        elif self.size < size <= self._probe_size:
            self._probe_size = self._probes_lost = 0
            self._set_size(size)
            self.timer_at = now

    def _probe(self, size: int) -> list[bytes]:
        if self._max_size:
            heartbeat = encode_chunk(ChunkType.HEARTBEAT, self._info(size))
            padding = size - PACKET_HEADER_SIZE - len(heartbeat) - len(encode_chunk(ChunkType.PAD))
            return [heartbeat, encode_chunk(ChunkType.PAD, bytes(padding))]
        # The answer is as long as the probe, but some implementations drop packets with PAD chunks.
        return [encode_chunk(ChunkType.HEARTBEAT, self._info(size, size - _HEARTBEAT_HEADERS - _INFO.size))]

    def _info(self, size: int, padding: int = 0) -> bytes:
        return encode_parameter(Parameter.HEARTBEAT_INFO, _INFO.pack(self._search, size, self._number) + bytes(padding))

    def _next_size(self) -> int:
        """Return the size to probe: the base size, or else the largest one that has not failed; 0 if there is none."""
        sizes = [size for size in self._larger_sizes() if size < self._failed_size]
        return self._base if self._base in sizes else max(sizes, default=0)

    def _larger_sizes(self) -> list[int]:
        largest = max(self._base, self._max_size)
        return [size for size in (*LOW_SIZES, self._base, *LARGE_SIZES) if self.size < size <= largest]

    def _fail(self) -> None:
        self._failed_size = self._probe_size
        self._probe_size = self._probes_lost = 0

    def _start_search(self, size: int, now: float) -> None:
        self._search += 1
        self._failed_size = _NOT_FAILED
        self.is_searching = True
        self._probe_size = self._probes_lost = 0
        self._set_size(size)
        self.timer_at = now

    def _set_size(self, size: int) -> None:
        if size != self.size:
            self.size = size
            self._on_size(size)
