"""Raw DEFLATE (RFC 1951) for stream content: worth its time when sending, bounded when receiving."""

from __future__ import annotations

import zlib
from typing import Protocol

MIN_DEFLATE_BYTES = 512
"""Content below this is sent as it is: a packet does not get faster by being smaller."""
SAMPLE_BYTES = 4_096
WORTHWHILE_RATIO = 0.7
"""Compressed content must be smaller than this share of the original. Base64 of what is compressed already comes to
0.76, and deflating 256 KiB of it takes longer than a whole call with it does without."""
_LEVEL = 1
_RAW = -zlib.MAX_WBITS


class InflateError(ValueError):
    """Content that is no DEFLATE data, or ends too early."""


class InflatedTooLongError(InflateError):
    """Content that inflates to more than is allowed."""


class Deflater(Protocol):
    """What zlib's compressor objects do."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def new_deflater() -> Deflater:
    """For content that comes piece by piece."""
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)


def _deflate(data: bytes) -> bytes:
    compressor = new_deflater()
    return compressor.compress(data) + compressor.flush()


def deflate_if_worthwhile(data: bytes) -> bytes | None:
    """`data` compressed, or None where that would not make it clearly smaller."""
    if len(data) < MIN_DEFLATE_BYTES:
        return None
    if len(data) > 4 * SAMPLE_BYTES:
        middle = (len(data) - SAMPLE_BYTES) // 2
        if len(_deflate(data[middle : middle + SAMPLE_BYTES])) > SAMPLE_BYTES * WORTHWHILE_RATIO:
            return None
    compressed = _deflate(data)
    return compressed if len(compressed) < len(data) * WORTHWHILE_RATIO else None


class Inflater:
    """Decompresses piece by piece, never producing more than `limit` bytes in all."""

    def __init__(self, limit: int | None) -> None:
        self._decompressor = zlib.decompressobj(_RAW)
        self._room = limit

    def feed(self, data: bytes) -> bytes:
        """Raises InflateError."""
        if self._decompressor.eof and data:
            raise InflateError("content follows the end of the compressed data")
        try:
            # One byte more than fits tells "too much" from "just enough"; 0 would mean no bound to zlib.
            output = self._decompressor.decompress(data, 0 if self._room is None else self._room + 1)
        except zlib.error as error:
            raise InflateError("the content is not DEFLATE data") from error
        if self._room is not None:
            if len(output) > self._room:
                raise InflatedTooLongError("the content inflates to more than is allowed")
            self._room -= len(output)
        return output

    def finish(self) -> None:
        """Raises InflateError if the content is not complete."""
        if not self._decompressor.eof:
            raise InflateError("the compressed content ends too early")
