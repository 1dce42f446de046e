"""Data Channel Establishment Protocol messages (RFC 8832 section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

_OPEN = Struct("!BBHLHH")
_MESSAGE_ACK = 0x02
_MESSAGE_OPEN = 0x03

_UNORDERED = 0x80
_RELIABLE, _REXMIT, _TIMED = range(3)

ACK = bytes((_MESSAGE_ACK,))
"""DATA_CHANNEL_ACK."""


class DcepError(ValueError):
    """A malformed DCEP message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """DATA_CHANNEL_OPEN."""

    label: str
    protocol: str = ""
    ordered: bool = True
    max_retransmits: int | None = None
    lifetime_ms: int | None = None
    """Neither `max_retransmits` nor `lifetime_ms` is set for a reliable channel, and never both."""
    priority: int = 0

    def encode(self) -> bytes:
        kind, reliability = _RELIABLE, 0
        if self.max_retransmits is not None:
            kind, reliability = _REXMIT, self.max_retransmits
        elif self.lifetime_ms is not None:
            kind, reliability = _TIMED, self.lifetime_ms
        if not self.ordered:
            kind |= _UNORDERED
        label, protocol = self.label.encode(), self.protocol.encode()
        fixed = _OPEN.pack(_MESSAGE_OPEN, kind, self.priority, reliability, len(label), len(protocol))
        return fixed + label + protocol


def parse(data: bytes) -> Open | None:
    """Parse a DATA_CHANNEL_OPEN; return None for a DATA_CHANNEL_ACK.

    Raises:
        DcepError: The message is neither of them, or malformed.
    """
    if data[:1] == ACK:
        return None
    if len(data) < _OPEN.size or data[0] != _MESSAGE_OPEN:
        raise DcepError(f"invalid DCEP message of {len(data)} bytes, type {data[:1].hex() or 'missing'}")
    _, kind, priority, reliability, label_size, protocol_size = _OPEN.unpack_from(data)
    if kind & ~_UNORDERED > _TIMED:
        raise DcepError(f"channel type {kind:#04x} is not defined")
    end = _OPEN.size + label_size + protocol_size
    if len(data) < end:
        raise DcepError(f"DATA_CHANNEL_OPEN is truncated: {len(data)} of {end} bytes")
    try:
        label = data[_OPEN.size : _OPEN.size + label_size].decode()
        protocol = data[_OPEN.size + label_size : end].decode()
    except UnicodeDecodeError as error:
        raise DcepError("label or protocol is not valid UTF-8") from error
    return Open(
        label=label,
        protocol=protocol,
        ordered=not kind & _UNORDERED,
        max_retransmits=reliability if kind & ~_UNORDERED == _REXMIT else None,
        lifetime_ms=reliability if kind & ~_UNORDERED == _TIMED else None,
        priority=priority,
    )
