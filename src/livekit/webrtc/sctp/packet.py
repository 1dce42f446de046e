"""The SCTP packet: common header with CRC32c, and chunks one after another (RFC 9260 section 3)."""

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
"""By the two lowest bits of a length."""

# The package comes without types.
_crc32c: Callable[[bytes], int] = google_crc32c.value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_crc32c_extend: Callable[[int, bytes], int] = google_crc32c.extend  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class PacketError(ValueError):
    """Not an SCTP packet for us, or one with a wrong checksum."""


class ChunkError(ValueError):
    """A chunk or parameter that does not have the form its type asks for."""


class PacketHeader:
    """The header of all packets with one verification tag."""

    __slots__ = ("_crc", "_prefix")

    def __init__(self, tag: int, *, source_port: int = PORT, destination_port: int = PORT) -> None:
        self._prefix = _PREFIX.pack(source_port, destination_port, tag)
        self._crc = _crc32c(self._prefix + _NO_CHECKSUM)

    def packet(self, chunks: Sequence[bytes]) -> bytes:
        """Chunks, each padded, as one packet."""
        body = b"".join(chunks)
        return self._prefix + _CHECKSUM.pack(_crc32c_extend(self._crc, body)) + body


def verify(data: bytes, *, source_port: int = PORT, destination_port: int = PORT) -> int:
    """Check size, ports and checksum; return the verification tag.

    Raises:
        PacketError: the packet is to be dropped.
    """
    if len(data) < PACKET_HEADER_SIZE:
        raise PacketError(f"a packet of {len(data)} bytes is too short")
    source, destination, tag, header_crc = _read_prefix(data[:8])
    if source != source_port or destination != destination_port:
        raise PacketError(f"ports {source} to {destination} are not ours")
    if data[8:PACKET_HEADER_SIZE] != _CHECKSUM.pack(_crc32c_extend(header_crc, data[PACKET_HEADER_SIZE:])):
        raise PacketError("wrong checksum")
    return tag


@lru_cache(maxsize=256)
def _read_prefix(prefix: bytes) -> tuple[int, int, int, int]:
    """Ports, tag and the checksum of the header so far: the same for all packets of an association one way."""
    source, destination, tag = _PREFIX.unpack(prefix)
    return source, destination, tag, _crc32c(prefix + _NO_CHECKSUM)


def iterate_chunks(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Type, flags, start of the body and its end for each chunk of a verified packet.

    Raises:
        ChunkError: a length field is wrong; what comes after it cannot be read.
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
    """A chunk with its header and padding."""
    length = len(body) + 4
    return _CHUNK_HEADER.pack(chunk_type, flags, length) + body + PADDING[length & 3]
