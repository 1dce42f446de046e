"""The SCTP packet: a common header with CRC32c, followed by chunks (RFC 9260 section 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from struct import Struct

import google_crc32c

from .constants import PACKET_HEADER_SIZE, PORT

_PREFIX = Struct("!HHL")
_CHECKSUM = Struct("<L")
_CHUNK_HEADER = Struct("!BBH")
_NO_CHECKSUM = bytes(4)
PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
"""Padding to a multiple of 4, indexed by the two lowest bits of a length."""

# google_crc32c has no type annotations.
_crc32c: Callable[[bytes], int] = google_crc32c.value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_crc32c_extend: Callable[[int, bytes], int] = google_crc32c.extend  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class PacketError(ValueError):
    """A packet that must be dropped: malformed, with a wrong checksum, or not for this association."""


class ChunkError(ValueError):
    """A malformed chunk or parameter."""


class PacketHeader:
    """The common header for one verification tag; its part of the checksum is computed once."""

    __slots__ = ("_crc", "_prefix")

    def __init__(self, tag: int, *, source_port: int = PORT, destination_port: int = PORT) -> None:
        self._prefix = _PREFIX.pack(source_port, destination_port, tag)
        self._crc = _crc32c(self._prefix + _NO_CHECKSUM)

    def packet(self, chunks: Sequence[bytes]) -> bytes:
        """Return a packet of encoded chunks."""
        body = b"".join(chunks)
        return self._prefix + _CHECKSUM.pack(_crc32c_extend(self._crc, body)) + body


def verify(data: bytes, *, source_port: int = PORT, destination_port: int = PORT) -> int:
    """Check the size, ports and checksum of a packet; return its verification tag.

    Raises:
        PacketError: The packet must be dropped.
    """
    if len(data) < PACKET_HEADER_SIZE:
        raise PacketError(f"a packet of {len(data)} bytes has no common header")
    source, destination, tag, header_crc = _read_prefix(data[:8])
    if source != source_port or destination != destination_port:
        raise PacketError(f"ports {source} to {destination} are not those of the association")
    if data[8:PACKET_HEADER_SIZE] != _CHECKSUM.pack(_crc32c_extend(header_crc, data[PACKET_HEADER_SIZE:])):
        raise PacketError("wrong checksum")
    return tag


@lru_cache(maxsize=256)
def _read_prefix(prefix: bytes) -> tuple[int, int, int, int]:
    """Return ports, tag and the checksum of the header; cached, as all packets of a direction have the same prefix."""
    source, destination, tag = _PREFIX.unpack(prefix)
    return source, destination, tag, _crc32c(prefix + _NO_CHECKSUM)


def iterate_chunks(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the type, flags, start and end of the body of each chunk in a verified packet.

    Raises:
        ChunkError: A length field is invalid, so that the rest of the packet cannot be parsed.
    """
    position, size = PACKET_HEADER_SIZE, len(data)
    while position + 4 <= size:
        chunk_type, flags, length = _CHUNK_HEADER.unpack_from(data, position)
        end = position + length
        if length < 4 or end > size:
            raise ChunkError(f"chunk of type {chunk_type} has length {length}")
        yield chunk_type, flags, position + 4, end
        position = end + (-length & 3)


def encode_chunk(chunk_type: int, body: bytes = b"", flags: int = 0) -> bytes:
    """Return a chunk with its header and padding."""
    length = len(body) + 4
    return _CHUNK_HEADER.pack(chunk_type, flags, length) + body + PADDING[length & 3]
