"""Path MTU discovery: packetization layer PMTUD with black hole detection (RFC 8899).

A probe is a HEARTBEAT padded to the probed size (RFC 4820; RFC 8899 section 6.2.1); its HEARTBEAT ACK proves that
packets of this size arrive. A probe carries no data: its loss costs no retransmission and is not a congestion signal.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from .chunks import encode_parameter
from .constants import MAX_RECEIVED_PACKET, NEVER, PACKET_HEADER_SIZE, ChunkType, Parameter
from .packet import encode_chunk

PROBE_SIZES = (1_412, 8_912, MAX_RECEIVED_PACKET)
"""Probed sizes, in bytes of SCTP packets: the largest that fit, after the headers of IPv6, UDP and DTLS, into
Ethernet's MTU of 1,500 bytes, into jumbo frames of 9,000 bytes, and into one DTLS record."""
PROBE_TIMER = 2.0
"""PROBE_TIMER: seconds until an unanswered probe counts as lost."""
MAX_PROBES = 3
"""MAX_PROBES: unanswered probes after which a size is abandoned."""
RAISE_TIMER = 600.0
"""PMTU_RAISE_TIMER: seconds until a finished search is repeated, as the path may have changed."""
BLACK_HOLE_TIMEOUTS = 2
"""Consecutive timeouts that indicate a black hole for large packets (RFC 8899 section 4.3)."""

_INFO = Struct("!L")


class PathMtu:
    """The packet size of the current path. The largest size is probed first, as most paths support a common MTU."""

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
        """Start at the base size (BASE_PLPMTU). All sizes are bytes of SCTP packets; `on_size` is called on changes."""
        self.size = base
        self.timer_at = NEVER
        """Time at which to call `take_probe`."""
        self.on_black_hole: Callable[[], None] = lambda: None
        """Called when large packets no longer arrive. Chunks in flight cannot be split: they need IP fragmentation."""
        self._base = self._max_size = base
        self._on_size = on_size
        self._candidate_sizes: list[int] = []  # to probe, the next one last
        self._probe_count = 0
        self._probe_number = 0

    def search(self, limit: int, now: float) -> None:
        """Start a search on a new path, whose receiver accepts packets of up to `limit` bytes (MAX_PLPMTU)."""
        self._max_size = limit
        self._set_size(self._base)
        self._start_search(now)

    def take_probe(self, now: float) -> list[bytes]:
        """Return the chunks of the probe that is due, or nothing if the search has finished."""
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
        """Adopt the probed size if the HEARTBEAT ACK carries the information of the last probe."""
        if self._probe_count and info == self._info():
            self._set_size(self._candidate_sizes[-1])
            self._candidate_sizes.clear()
            self._probe_count = 0
            self.timer_at = now + RAISE_TIMER

    def on_t3_expiry(self, times: int) -> None:
        """Return to the base size after consecutive T3-rtx timeouts: large packets vanish in a black hole."""
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
