"""Serial number arithmetic: 16-bit sequence numbers and 32-bit timestamps as integers that never wrap."""

from __future__ import annotations

__all__ = ["unwrap_sequence_number", "unwrap_timestamp"]


def unwrap_sequence_number(wire: int, reference: int) -> int:
    """Return the integer nearest to `reference` whose low 16 bits are `wire`."""
    return reference + ((wire - reference + 0x8000) & 0xFFFF) - 0x8000


def unwrap_timestamp(wire: int, reference: int) -> int:
    """Return the integer nearest to `reference` whose low 32 bits are `wire`."""
    return reference + ((wire - reference + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
