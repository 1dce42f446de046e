"""The packets of data tracks, as they are on the channel `_data_track`. No I/O.

Twelve bytes of header (version, start and end of a frame, handle, sequence, frame number, timestamp), extensions padded
to words of four bytes, and a piece of a frame.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

CHANNEL = "_data_track"
VERSION = 0
MAX_HANDLE = 0xFFFF
E2EE_EXTENSION = 1
"""One byte of key index and twelve of initialisation vector."""
TIMESTAMP_EXTENSION = 2
"""Eight bytes that the application gives."""
TICKS_PER_SECOND = 90_000

_HEADER = struct.Struct("!BxHHHI")
_START, _FINAL, _EXTENDED = 0x10, 0x08, 0x04
_HANDLE = slice(2, 4)


class BadTrackPacketError(ValueError):
    """These bytes are no packet of a data track."""


@dataclass(frozen=True, slots=True)
class TrackPacket:
    """A piece of a frame."""

    handle: int
    """Which track, as sender and server, or server and receiver, have agreed."""
    sequence: int
    frame_number: int
    timestamp: int
    """In ticks of 1/90,000 s from an arbitrary beginning."""
    payload: bytes
    is_start: bool = True
    is_final: bool = True
    extensions: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def encode(self) -> bytes:
        flags = VERSION << 5 | _START * self.is_start | _FINAL * self.is_final | _EXTENDED * bool(self.extensions)
        header = _HEADER.pack(flags, self.handle, self.sequence, self.frame_number, self.timestamp)
        return header + encode_extensions(self.extensions) + self.payload


def encode_extensions(extensions: dict[int, bytes]) -> bytes:
    """Their size in words less one, each with tag and length, and zeroes up to the next word."""
    if not extensions:
        return b""
    body = b"".join(bytes((tag, len(value))) + value for tag, value in extensions.items())
    words = -(-(2 + len(body)) // 4)
    return struct.pack("!H", words - 1) + body.ljust(words * 4 - 2, b"\0")


def decode(data: bytes) -> TrackPacket:
    """Raises BadTrackPacketError."""
    if len(data) < _HEADER.size:
        raise BadTrackPacketError(f"{len(data)} bytes are too short for a header")
    flags, handle, sequence, frame_number, timestamp = _HEADER.unpack_from(data)
    if flags >> 5 != VERSION:
        raise BadTrackPacketError(f"version {flags >> 5} is not known")
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
    """Where the payload begins, and the extensions by tag."""
    at = _HEADER.size + 2
    if len(data) < at:
        raise BadTrackPacketError("the size of the extensions is missing")
    end = _HEADER.size + (int.from_bytes(data[_HEADER.size : at], "big") + 1) * 4
    if len(data) < end:
        raise BadTrackPacketError("the extensions are cut off")
    extensions: dict[int, bytes] = {}
    while at < end and data[at]:
        if at + 2 > end or at + 2 + data[at + 1] > end:
            raise BadTrackPacketError("an extension is longer than all of them")
        extensions[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return end, extensions


def handle_of(data: bytes) -> int:
    """The handle in a packet's bytes; 0 if they are none."""
    return int.from_bytes(data[_HANDLE], "big") if len(data) >= _HEADER.size and data[0] >> 5 == VERSION else 0


def with_handle(data: bytes, handle: int) -> bytes:
    """The same packet with another handle."""
    return data[: _HANDLE.start] + handle.to_bytes(2, "big") + data[_HANDLE.stop :]
