"""Data Channel Handshake Protocol messages (RFC 8832 section 5)."""

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
    """Not a DCEP message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """DATA_CHANNEL_OPEN."""

    label: str
    protocol: str = ""
    ordered: bool = True
    max_retransmits: int | None = None
    lifetime_ms: int | None = None
    """At most one of `max_retransmits` and `lifetime_ms` is set; neither for a reliable channel."""
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
    """The OPEN in a message, or None for an ACK.

    Raises:
        DcepError: it is neither.
    """
    if data[:1] == ACK:
        return None
    if len(data) < _OPEN.size or data[0] != _MESSAGE_OPEN:
        raise DcepError(f"DCEP message of {len(data)} bytes that begins with {data[:1].hex() or 'nothing'}")
    _, kind, priority, reliability, label_size, protocol_size = _OPEN.unpack_from(data)
    if kind & ~_UNORDERED > _TIMED:
        raise DcepError(f"channel type {kind:#04x} is unknown")
    end = _OPEN.size + label_size + protocol_size
    if len(data) < end:
        raise DcepError(f"DATA_CHANNEL_OPEN of {len(data)} bytes needs {end}")
    try:
        label = data[_OPEN.size : _OPEN.size + label_size].decode()
        protocol = data[_OPEN.size + label_size : end].decode()
    except UnicodeDecodeError as error:
        raise DcepError("label or protocol is not UTF-8") from error
    return Open(
        label=label,
        protocol=protocol,
        ordered=not kind & _UNORDERED,
        max_retransmits=reliability if kind & ~_UNORDERED == _REXMIT else None,
        lifetime_ms=reliability if kind & ~_UNORDERED == _TIMED else None,
        priority=priority,
    )
