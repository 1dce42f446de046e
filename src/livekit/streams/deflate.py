"""Raw DEFLATE (RFC 1951) of stream content: skipped for content that barely shrinks, bounded on receipt."""

from __future__ import annotations

import zlib
from typing import Protocol

MIN_DEFLATE_BYTES = 512
"""Smaller content is sent uncompressed: it fits into one packet either way."""
SAMPLE_BYTES = 4_096
WORTHWHILE_RATIO = 0.7
"""Maximum ratio of compressed to original size. Base64 of compressed data reaches 0.76, and deflating 256 KiB of it
takes longer than a whole call that sends it uncompressed."""
_LEVEL = 1
_RAW = -zlib.MAX_WBITS


class InflateError(ValueError):
    """The content is not DEFLATE data, or it is truncated."""


class InflatedTooLongError(InflateError):
    """The inflated content exceeds the limit."""


class Deflater(Protocol):
    """The interface of zlib's compressor objects."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def new_deflater() -> Deflater:
    """Return a compressor for content that is written incrementally."""
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)


def _deflate(data: bytes) -> bytes:
    compressor = new_deflater()
    return compressor.compress(data) + compressor.flush()


def deflate_if_worthwhile(data: bytes) -> bytes | None:
    """Return `data` compressed, or None if that does not save enough (`WORTHWHILE_RATIO`)."""
    if len(data) < MIN_DEFLATE_BYTES:
        return None
    if len(data) > 4 * SAMPLE_BYTES:
        middle = (len(data) - SAMPLE_BYTES) // 2
        if len(_deflate(data[middle : middle + SAMPLE_BYTES])) > SAMPLE_BYTES * WORTHWHILE_RATIO:
            return None
    compressed = _deflate(data)
    return compressed if len(compressed) < len(data) * WORTHWHILE_RATIO else None


class Inflater:
    """Incremental decompressor that never produces more than `limit` bytes in total."""

    def __init__(self, limit: int | None) -> None:
        self._decompressor = zlib.decompressobj(_RAW)
        self._remaining = limit

    def feed(self, data: bytes) -> bytes:
        """Return the next decompressed bytes. Raises InflateError."""
        if self._decompressor.eof and data:
            raise InflateError("content follows the end of the compressed data")
        try:
            # One byte above the limit distinguishes "over" from "exactly at"; 0 means unbounded to zlib.
            output = self._decompressor.decompress(data, 0 if self._remaining is None else self._remaining + 1)
        except zlib.error as error:
            raise InflateError("the content is not DEFLATE data") from error
        if self._remaining is not None:
            if len(output) > self._remaining:
                raise InflatedTooLongError("the content inflates to more than is allowed")
            self._remaining -= len(output)
        return output

    def finish(self) -> None:
        """Check that the content is complete. Raises InflateError."""
        if not self._decompressor.eof:
            raise InflateError("the compressed content ends too early")
