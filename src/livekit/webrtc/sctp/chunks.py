"""Parsing and encoding of chunks (RFC 9260 section 3.3, RFC 3758 section 3.2).

DATA chunks are most of the traffic: `DATA_HEADER` and `DATA_BODY` pack and unpack them in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from .constants import MAX_GAP_BLOCKS, ChunkType, Parameter
from .packet import ChunkError, encode_chunk

DATA_HEADER = Struct("!BBHLHHL")
"""Chunk type, flags, length, TSN, stream, stream sequence number, payload protocol (section 3.3.1)."""
DATA_BODY = Struct("!LHHL")
"""`DATA_HEADER` without type, flags and length."""

_INIT = Struct("!LLHHL")
_SACK = Struct("!LLHH")
_PARAMETER = Struct("!HH")
_PAIR = Struct("!HH")
_WORD = Struct("!L")

Parameters = tuple[tuple[int, bytes], ...]


def parse_parameters(data: bytes) -> Parameters:
    """Parse type-length-value fields (section 3.2.1).

    Raises:
        ChunkError: A length field is invalid.
    """
    parameters: list[tuple[int, bytes]] = []
    position, size = 0, len(data)
    while position + 4 <= size:
        kind, length = _PARAMETER.unpack_from(data, position)
        end = position + length
        if length < 4 or end > size:
            raise ChunkError(f"parameter {kind} has length {length}")
        parameters.append((kind, data[position + 4 : end]))
        position = end + (-length & 3)
    return tuple(parameters)


def encode_parameter(kind: int, value: bytes = b"") -> bytes:
    """Return a type-length-value field with its padding. Error causes have the same format (section 3.3.10)."""
    return _PARAMETER.pack(kind, len(value) + 4) + value + bytes(-len(value) & 3)


@dataclass(frozen=True, slots=True)
class Init:
    """INIT or INIT ACK (sections 3.3.2 and 3.3.3)."""

    tag: int
    window: int
    outbound_streams: int
    inbound_streams: int
    initial_tsn: int
    parameters: Parameters = ()

    @classmethod
    def parse(cls, body: bytes) -> Init:
        """Parse the body of a chunk.

        Raises:
            ChunkError: The body is malformed.
        """
        if len(body) < _INIT.size:
            raise ChunkError(f"INIT of {len(body)} bytes")
        tag, window, outbound, inbound, tsn = _INIT.unpack_from(body)
        return cls(tag, window, outbound, inbound, tsn, parse_parameters(body[_INIT.size :]))

    def encode(self, chunk_type: ChunkType) -> bytes:
        fixed = _INIT.pack(self.tag, self.window, self.outbound_streams, self.inbound_streams, self.initial_tsn)
        return encode_chunk(chunk_type, fixed + b"".join(encode_parameter(*one) for one in self.parameters))

    def parameter(self, kind: int) -> bytes | None:
        """Return the value of the first parameter of a type, or None."""
        return next((value for one, value in self.parameters if one == kind), None)

    @property
    def supports_forward_tsn(self) -> bool:
        return (
            self.parameter(Parameter.FORWARD_TSN_SUPPORTED) is not None or ChunkType.FORWARD_TSN in self._extensions()
        )

    @property
    def supports_reconfig(self) -> bool:
        return ChunkType.RE_CONFIG in self._extensions()

    def _extensions(self) -> bytes:
        return self.parameter(Parameter.SUPPORTED_EXTENSIONS) or b""


@dataclass(slots=True)
class Sack:
    """SACK (section 3.3.4). Gap ack blocks are pairs of offsets from the cumulative TSN, both inclusive."""

    cumulative_tsn: int
    window: int
    gaps: list[tuple[int, int]]
    duplicates: list[int]

    @classmethod
    def parse(cls, body: bytes) -> Sack:
        """Parse the body of a chunk.

        Raises:
            ChunkError: The body is malformed.
        """
        if len(body) < _SACK.size:
            raise ChunkError(f"SACK of {len(body)} bytes")
        cumulative_tsn, window, gap_count, duplicate_count = _SACK.unpack_from(body)
        if not gap_count and not duplicate_count:
            return cls(cumulative_tsn, window, [], [])
        gaps_end = _SACK.size + 4 * gap_count
        end = gaps_end + 4 * duplicate_count
        if len(body) < end:
            raise ChunkError(f"SACK of {len(body)} bytes with {gap_count} gaps and {duplicate_count} duplicates")
        gaps = list(_PAIR.iter_unpack(body[_SACK.size : gaps_end]))
        return cls(cumulative_tsn, window, gaps, [tsn for (tsn,) in _WORD.iter_unpack(body[gaps_end:end])])

    def encode(self) -> bytes:
        gaps, duplicates = self.gaps[:MAX_GAP_BLOCKS], self.duplicates
        fixed = _SACK.pack(self.cumulative_tsn, self.window, len(gaps), len(duplicates))
        blocks = b"".join(_PAIR.pack(*gap) for gap in gaps)
        return encode_chunk(ChunkType.SACK, fixed + blocks + b"".join(map(_WORD.pack, duplicates)))


@dataclass(frozen=True, slots=True)
class ForwardTsn:
    """FORWARD TSN (RFC 3758 section 3.2)."""

    cumulative_tsn: int
    """The new cumulative TSN."""
    streams: tuple[tuple[int, int], ...]
    """Stream identifier and stream sequence number of the last skipped message of each ordered stream."""

    @classmethod
    def parse(cls, body: bytes) -> ForwardTsn:
        """Parse the body of a chunk.

        Raises:
            ChunkError: The body is malformed.
        """
        if len(body) < 4 or len(body) % 4:
            raise ChunkError(f"FORWARD TSN of {len(body)} bytes")
        (cumulative_tsn,) = _WORD.unpack_from(body)
        return cls(cumulative_tsn, tuple(_PAIR.iter_unpack(body[4:])))

    def encode(self) -> bytes:
        streams = b"".join(_PAIR.pack(*stream) for stream in self.streams)
        return encode_chunk(ChunkType.FORWARD_TSN, _WORD.pack(self.cumulative_tsn) + streams)


def parse_shutdown(body: bytes) -> int:
    """Parse the body of a SHUTDOWN: its cumulative TSN (section 3.3.8).

    Raises:
        ChunkError: The body is too short.
    """
    if len(body) < 4:
        raise ChunkError(f"SHUTDOWN of {len(body)} bytes")
    (value,) = _WORD.unpack_from(body)
    return int(value)


def encode_shutdown(cumulative_tsn: int) -> bytes:
    """Return a SHUTDOWN chunk (section 3.3.8)."""
    return encode_chunk(ChunkType.SHUTDOWN, _WORD.pack(cumulative_tsn))


def encode_cause(cause: int, value: bytes = b"") -> bytes:
    """Return an error cause for an ABORT or ERROR chunk (section 3.3.10)."""
    return encode_parameter(cause, value)


def iterate_causes(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the code and value of each cause in an ABORT or ERROR chunk.

    Raises:
        ChunkError: A length field is invalid.
    """
    yield from parse_parameters(body)
