"""How large packets may be: probed upwards from a base, and back to it when large ones vanish (RFC 8899).

A probe is a HEARTBEAT padded to the size in question (RFC 4820; RFC 8899 section 6.2.1); its acknowledgement proves
that packets of that size arrive. It carries no data: a lost one costs nothing and says nothing about congestion.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from .chunks import encode_parameter
from .constants import MAX_RECEIVED_PACKET, NEVER, PACKET_HEADER_SIZE, ChunkType, Parameter
from .packet import encode_chunk

PROBE_SIZES = (1_412, 8_912, MAX_RECEIVED_PACKET)
"""Bytes of SCTP packets: what fits into the 1,500 bytes of Ethernet beside IPv6, UDP and DTLS, into jumbo frames of
9,000, and into one DTLS record."""
PROBE_TIMER = 2.0
"""Seconds to wait for the answer to a probe."""
MAX_PROBES = 3
"""Probes of one size that may stay unanswered."""
RAISE_TIMER = 600.0
"""Seconds after which a search that ended is repeated: the path may have changed."""
BLACK_HOLE_TIMEOUTS = 2
"""Timeouts in a row from which on large packets are taken to vanish (RFC 8899 section 4.3)."""

_INFO = Struct("!L")


class PathMtu:
    """The packet size on the present path. The largest size is tried first: most paths end at a round number."""

    __slots__ = (
        "_base",
        "_candidate_sizes",
        "_max_size",
        "_on_size",
        "_probe_count",
        "_probe_number",
        "on_black_hole",
        "size",
        "timer_at",
    )

    def __init__(self, base: int, on_size: Callable[[int], None]) -> None:
        """`on_size` is told when the size changes; all sizes are bytes of SCTP packets."""
        self.size = base
        self.timer_at = NEVER
        """When `take_probe` is to be asked."""
        self.on_black_hole: Callable[[], None] = lambda: None
        """Large packets do not arrive any more. Those in flight cannot be cut anew: they need IP fragmentation."""
        self._base = self._max_size = base
        self._on_size = on_size
        self._candidate_sizes: list[int] = []  # still to be tried, the next one last
        self._probe_count = 0
        self._probe_number = 0

    def search(self, limit: int, now: float) -> None:
        """Begin on a new path, whose other end takes packets of up to `limit` bytes."""
        self._max_size = limit
        self._set_size(self._base)
        self._start_search(now)

    def take_probe(self, now: float) -> list[bytes]:
        """The chunks of the probe that is due; none if the search has ended."""
        if self._probe_count == MAX_PROBES:
            self._candidate_sizes.pop()
            self._probe_count = 0
            if not self._candidate_sizes:
                self.timer_at = now + RAISE_TIMER
                return []
        elif not self._candidate_sizes:
            self._start_search(now)
            if not self._candidate_sizes:
                return []
        self._probe_count += 1
        self._probe_number += 1
        self.timer_at = now + PROBE_TIMER
        heartbeat = encode_chunk(ChunkType.HEARTBEAT, self._info())
        padding = self._candidate_sizes[-1] - PACKET_HEADER_SIZE - len(heartbeat) - len(encode_chunk(ChunkType.PAD))
        return [heartbeat, encode_chunk(ChunkType.PAD, bytes(padding))]

    def receive_heartbeat_ack(self, info: bytes, now: float) -> None:
        """A HEARTBEAT ACK with this information came."""
        if self._probe_count and info == self._info():
            self._set_size(self._candidate_sizes[-1])
            self._candidate_sizes.clear()
            self._probe_count = 0
            self.timer_at = now + RAISE_TIMER

    def on_t3_expiry(self, times: int) -> None:
        """T3-rtx expired so many times in a row."""
        if times >= BLACK_HOLE_TIMEOUTS and self.size > self._base:
            self._candidate_sizes.clear()
            self._probe_count = 0
            self.timer_at = NEVER
            self._set_size(self._base)
            self.on_black_hole()

    def _start_search(self, now: float) -> None:
        self._candidate_sizes = [size for size in PROBE_SIZES if self.size < size <= self._max_size]
        self._probe_count = 0
        self.timer_at = now if self._candidate_sizes else NEVER

    def _info(self) -> bytes:
        return encode_parameter(Parameter.HEARTBEAT_INFO, _INFO.pack(self._probe_number))

    def _set_size(self, size: int) -> None:
        if size != self.size:
            self.size = size
            self._on_size(size)
