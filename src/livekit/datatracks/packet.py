"""The packet format of data tracks on the channel `_data_track`. No I/O.

A packet has a 12-byte header (version, frame start and end flags, handle, sequence number, frame number, timestamp),
extensions padded to 4-byte words, and a part of a frame's payload.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

CHANNEL = "_data_track"
VERSION = 0
MAX_HANDLE = 0xFFFF
E2EE_EXTENSION = 1
"""Key index (1 byte) and initialization vector (12 bytes)."""
TIMESTAMP_EXTENSION = 2
"""The application's timestamp (8 bytes, big-endian)."""
TICKS_PER_SECOND = 90_000

_HEADER = struct.Struct("!BxHHHI")
_START, _FINAL, _EXTENDED = 0x10, 0x08, 0x04
_HANDLE = slice(2, 4)


class BadTrackPacketError(ValueError):
    """The data is not a valid data track packet."""


@dataclass(frozen=True, slots=True)
class TrackPacket:
    """A frame, or a part of one."""

    handle: int
    """Identifies the track between sender and server, or server and receiver."""
    sequence: int
    frame_number: int
    timestamp: int
    """Ticks of 1/90,000 s with a random offset."""
    payload: bytes
    is_start: bool = True
    is_final: bool = True
    extensions: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def encode(self) -> bytes:
        flags = VERSION << 5 | _START * self.is_start | _FINAL * self.is_final | _EXTENDED * bool(self.extensions)
        header = _HEADER.pack(flags, self.handle, self.sequence, self.frame_number, self.timestamp)
        return header + encode_extensions(self.extensions) + self.payload


def encode_extensions(extensions: dict[int, bytes]) -> bytes:
    """Encode extensions: the size in words minus one, each extension as tag, length and value, and zero padding."""
    if not extensions:
        return b""
    body = b"".join(bytes((tag, len(value))) + value for tag, value in extensions.items())
    words = -(-(2 + len(body)) // 4)
    return struct.pack("!H", words - 1) + body.ljust(words * 4 - 2, b"\0")


def decode(data: bytes) -> TrackPacket:
    """Decode a packet. Raises BadTrackPacketError."""
    if len(data) < _HEADER.size:
        raise BadTrackPacketError(f"{len(data)} bytes are too short for a header")
    flags, handle, sequence, frame_number, timestamp = _HEADER.unpack_from(data)
    if flags >> 5 != VERSION:
        raise BadTrackPacketError(f"unknown version {flags >> 5}")
    if not handle:
        raise BadTrackPacketError("handle 0 is reserved")
    start, extensions = _HEADER.size, dict[int, bytes]()
    if flags & _EXTENDED:
        start, extensions = _decode_extensions(data)
    return TrackPacket(
        handle=handle,
        sequence=sequence,
        frame_number=frame_number,
        timestamp=timestamp,
        payload=data[start:],
        is_start=bool(flags & _START),
        is_final=bool(flags & _FINAL),
        extensions=extensions,
    )


def _decode_extensions(data: bytes) -> tuple[int, dict[int, bytes]]:
    """Return the offset of the payload, and the extensions by tag."""
    at = _HEADER.size + 2
    if len(data) < at:
        raise BadTrackPacketError("the size of the extensions is missing")
    end = _HEADER.size + (int.from_bytes(data[_HEADER.size : at], "big") + 1) * 4
    if len(data) < end:
        raise BadTrackPacketError("the extensions are truncated")
    extensions: dict[int, bytes] = {}
    while at < end and data[at]:
        if at + 2 > end or at + 2 + data[at + 1] > end:
            raise BadTrackPacketError("an extension exceeds the size of all extensions")
        extensions[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return end, extensions


def handle_of(data: bytes) -> int:
    """Return the handle of an encoded packet; 0 if the data is not a packet."""
    return int.from_bytes(data[_HANDLE], "big") if len(data) >= _HEADER.size and data[0] >> 5 == VERSION else 0


def with_handle(data: bytes, handle: int) -> bytes:
    """Return an encoded packet with its handle replaced."""
    return data[: _HANDLE.start] + handle.to_bytes(2, "big") + data[_HANDLE.stop :]
