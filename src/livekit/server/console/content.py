"""What a call carries: how much it is, and its beginning where payloads are to be seen."""

from __future__ import annotations

import zlib

from livekit._util.utf8 import utf8_boundary

MAX_PREVIEW = 4_096
"""Bytes of a payload that are kept."""


class Content:
    """The payload of a request or response, which comes in one piece or in several."""

    __slots__ = ("_inflater", "_is_announced", "_kept", "cut", "size")

    def __init__(self, *, keep: bool, deflated: bool = False, announced: int | None = None) -> None:
        """`announced` is the size that the sender tells; without it, what comes is counted."""
        self.size = announced or 0
        """Bytes, inflated where the sender told; else as they came."""
        self.cut = False
        """There is more than what is kept."""
        self._is_announced = announced is not None
        self._kept: bytearray | None = bytearray() if keep else None
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if keep and deflated else None

    @property
    def text(self) -> str | None:
        """The beginning of it; None where it is not kept."""
        return None if self._kept is None else self._kept.decode("utf-8", "replace")

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
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
        """Keep only the size, now and of what comes."""
        self._kept = self._inflater = None
