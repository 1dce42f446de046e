"""Serial number arithmetic (RFC 9260 section 1.6): internally, TSNs are unbounded integers that never wrap."""

from __future__ import annotations

TSN_MASK = 0xFFFF_FFFF
_HALF = 0x8000_0000


def unwrap(wire: int, reference: int) -> int:
    """Return the integer nearest to `reference` whose low 32 bits are `wire`."""
    return reference + ((wire - reference + _HALF) & TSN_MASK) - _HALF
