"""Serial number arithmetic (RFC 1982): wire values of 16 and 32 bits as integers that never wrap.

SCTP's TSNs (RFC 9260 section 1.6), RTP's sequence numbers and timestamps, and SRTP's packet indices are such integers.
"""

from __future__ import annotations

__all__ = ["unwrap_16", "unwrap_32"]


def unwrap_16(wire: int, reference: int) -> int:
    """Return the integer nearest to `reference` whose low 16 bits are `wire`."""
    return reference + ((wire - reference + 0x8000) & 0xFFFF) - 0x8000


def unwrap_32(wire: int, reference: int) -> int:
    """Return the integer nearest to `reference` whose low 32 bits are `wire`."""
    return reference + ((wire - reference + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
