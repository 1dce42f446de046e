"""Payloads of calls: their size and, if enabled, their beginning."""

from __future__ import annotations

import zlib

from livekit._util.utf8 import utf8_boundary

MAX_PREVIEW = 4_096
"""Bytes kept of a payload."""


class PayloadPreview:
    """The payload of a request or response, received in one or more chunks."""

    __slots__ = ("_inflater", "_is_announced", "_kept", "cut", "size")

    def __init__(self, *, keep: bool, deflated: bool = False, announced: int | None = None) -> None:
        """Create an empty preview.

        Args:
            keep: whether to keep the beginning of the payload.
            deflated: whether chunks are compressed (raw deflate).
            announced: the size according to the stream header; None to count received bytes.
        """
        self.size = announced or 0
        """Uncompressed bytes if the sender announced the size, otherwise received bytes."""
        self.cut = False
        """True if the payload is longer than the kept beginning."""
        self._is_announced = announced is not None
        self._kept: bytearray | None = bytearray() if keep else None
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if keep and deflated else None

    @property
    def text(self) -> str | None:
        """The beginning of the payload; None if it is not kept."""
        return None if self._kept is None else self._kept.decode("utf-8", "replace")

    def feed(self, data: bytes) -> None:
        """Add the next chunk."""
        if not self._is_announced:
            self.size += len(data)
        if self._kept is None or self.cut:
            return
        room = MAX_PREVIEW - len(self._kept)
        if self._inflater is not None:
            try:
                data = self._inflater.decompress(data, room + 1)
            except zlib.error:
                self.cut = True
                return
        self.cut = len(data) > room
        self._kept += data[: utf8_boundary(data, room)]

    def forget(self) -> None:
        """Delete the kept beginning, and keep only the size from now on."""
        self._kept = self._inflater = None
