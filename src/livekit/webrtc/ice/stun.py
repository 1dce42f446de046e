"""STUN messages (RFC 8489) with the attributes that ICE uses (RFC 8445 section 16)."""

from __future__ import annotations

import binascii
import enum
import hmac
import ipaddress
import os
import struct
from dataclasses import dataclass, field

__all__ = ["Address", "Attribute", "MessageClass", "StunError", "StunMessage", "parse_stun"]

Address = tuple[str, int]
"""IP address and port."""

MAGIC_COOKIE = 0x2112A442
BINDING = 0x001
HEADER_SIZE = 20
INTEGRITY_SIZE = 24
FINGERPRINT_SIZE = 8
FINGERPRINT_XOR = 0x5354554E
MAX_MESSAGE_SIZE = 1500
"""Bytes. An ICE message fits into one unfragmented datagram."""

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_FAMILIES = {1: 4, 2: 16}


class StunError(ValueError):
    """Raised for bytes that are not a well-formed STUN message."""


class MessageClass(enum.IntEnum):
    """STUN message class; each value is the class bits within the message type (RFC 8489 section 5)."""

    REQUEST = 0x000
    INDICATION = 0x010
    SUCCESS = 0x100
    ERROR = 0x110


class Attribute(enum.IntEnum):
    """STUN attribute types (RFC 8489 section 18.3, RFC 8445 section 20.2)."""

    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


@dataclass(slots=True)
class StunMessage:
    """A STUN message. `attributes` holds the values as encoded on the wire; the methods decode and encode them."""

    message_class: MessageClass
    method: int = BINDING
    transaction_id: bytes = field(default_factory=lambda: os.urandom(12))
    attributes: dict[int, bytes] = field(default_factory=dict[int, bytes])
    integrity_input: bytes | None = None
    """The bytes that MESSAGE-INTEGRITY covers; None for a message that was not parsed or that lacks it."""

    def encode(self, key: bytes | None = None) -> bytes:
        """Encode the message with FINGERPRINT and, if `key` is given, MESSAGE-INTEGRITY."""
        body = b"".join(_attribute(number, value) for number, value in self.attributes.items())
        if key is not None:
            covered = self._header(len(body) + INTEGRITY_SIZE) + body
            body += _attribute(Attribute.MESSAGE_INTEGRITY, hmac.digest(key, covered, "sha1"))
        covered = self._header(len(body) + FINGERPRINT_SIZE) + body
        return covered + _attribute(Attribute.FINGERPRINT, _fingerprint(covered))

    def has_integrity(self, key: bytes) -> bool:
        """Return True if MESSAGE-INTEGRITY is present and valid under `key` (RFC 8489 section 9.1.3)."""
        if self.integrity_input is None:
            return False
        expected = hmac.digest(key, self.integrity_input, "sha1")
        return hmac.compare_digest(expected, self.attributes[Attribute.MESSAGE_INTEGRITY])

    def integer(self, attribute: Attribute) -> int | None:
        """Return the value of an unsigned integer attribute; None if it is absent."""
        value = self.attributes.get(attribute)
        return None if value is None else int.from_bytes(value, "big")

    def set_integer(self, attribute: Attribute, value: int, size: int) -> None:
        """Set an unsigned integer attribute of `size` bytes."""
        self.attributes[attribute] = value.to_bytes(size, "big")

    @property
    def error_code(self) -> int | None:
        """The code of ERROR-CODE, 300 to 699 (RFC 8489 section 14.8); None if it is absent or malformed."""
        value = self.attributes.get(Attribute.ERROR_CODE)
        return None if value is None or len(value) < 4 else (value[2] & 7) * 100 + value[3]

    def set_error(self, code: int, reason: str) -> None:
        """Set ERROR-CODE."""
        self.attributes[Attribute.ERROR_CODE] = struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()

    @property
    def mapped_address(self) -> Address | None:
        """XOR-MAPPED-ADDRESS (RFC 8489 section 14.2); None if it is absent or malformed."""
        value = self.attributes.get(Attribute.XOR_MAPPED_ADDRESS, b"")
        if len(value) < 4 or _FAMILIES.get(value[1]) != len(value) - 4:
            return None
        port = int.from_bytes(value[2:4], "big") ^ (MAGIC_COOKIE >> 16)
        return str(ipaddress.ip_address(self._xor(value[4:]))), port

    @mapped_address.setter
    def mapped_address(self, address: Address) -> None:
        packed = ipaddress.ip_address(address[0]).packed
        family = 1 if len(packed) == 4 else 2
        head = struct.pack("!BBH", 0, family, address[1] ^ (MAGIC_COOKIE >> 16))
        self.attributes[Attribute.XOR_MAPPED_ADDRESS] = head + self._xor(packed)

    def _xor(self, packed: bytes) -> bytes:
        mask = MAGIC_COOKIE.to_bytes(4, "big") + self.transaction_id
        return bytes(a ^ b for a, b in zip(packed, mask, strict=False))

    def _header(self, length: int) -> bytes:
        method = self.method
        # RFC 8489 figure 3: the class bits are interleaved with the method bits.
        bits = (method & 0x00F) | (method & 0x070) << 1 | (method & 0xF80) << 2
        return _HEADER.pack(bits | self.message_class, length, MAGIC_COOKIE, self.transaction_id)


def _attribute(number: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(number, len(value)) + value + bytes(-len(value) % 4)


def _fingerprint(covered: bytes) -> bytes:
    return (binascii.crc32(covered) ^ FINGERPRINT_XOR).to_bytes(4, "big")


def parse_stun(data: bytes) -> StunMessage:
    """Parse a message and verify FINGERPRINT if present. The caller verifies MESSAGE-INTEGRITY with `has_integrity`.

    Raises:
        StunError: the bytes are not a STUN message, or FINGERPRINT is wrong.
    """
    if not HEADER_SIZE <= len(data) <= MAX_MESSAGE_SIZE:
        raise StunError(f"a STUN message must have {HEADER_SIZE} to {MAX_MESSAGE_SIZE} bytes, got {len(data)}")
    bits, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if bits & 0xC000 or cookie != MAGIC_COOKIE:
        raise StunError("not a STUN message: wrong magic cookie")
    if length % 4 or length != len(data) - HEADER_SIZE:
        raise StunError(f"the STUN header announces {length} bytes of attributes, got {len(data) - HEADER_SIZE}")
    method = (bits & 0x000F) | (bits & 0x00E0) >> 1 | (bits & 0x3E00) >> 2
    message = StunMessage(MessageClass(bits & 0x0110), method, transaction_id)
    _parse_attributes(data, message)
    return message


def _parse_attributes(data: bytes, message: StunMessage) -> None:
    position = HEADER_SIZE
    while position < len(data):
        number, size = _ATTRIBUTE.unpack_from(data, position)
        value = data[position + 4 : position + 4 + size]
        if len(value) != size:
            raise StunError("a STUN attribute extends beyond the end of the message")
        if number == Attribute.FINGERPRINT:
            if value != _fingerprint(_with_length(data, position, FINGERPRINT_SIZE)):
                raise StunError("the STUN fingerprint does not match")
            return
        # RFC 8489 section 14.5: attributes after MESSAGE-INTEGRITY are not protected and must be ignored.
        if message.integrity_input is None:
            message.attributes.setdefault(number, value)
            if number == Attribute.MESSAGE_INTEGRITY:
                message.integrity_input = _with_length(data, position, INTEGRITY_SIZE)
        position += 4 + size + -size % 4


def _with_length(data: bytes, end: int, extra: int) -> bytes:
    """Return the message up to `end`, with the header length adjusted to include `extra` more bytes."""
    return data[:2] + (end - HEADER_SIZE + extra).to_bytes(2, "big") + data[4:end]
