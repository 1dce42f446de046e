"""Memory that frames are made of."""

from __future__ import annotations

from typing import TypeAlias

Buffer: TypeAlias = "bytes | bytearray | memoryview"


def contiguous_bytes(data: Buffer) -> Buffer:
    """The data as bytes one after another. Raises TypeError for anything else, ValueError for gaps in it."""
    if isinstance(data, memoryview):
        if not data.contiguous:
            raise ValueError("the memoryview has gaps; pass a contiguous one")
        return data.cast("B")
    if not isinstance(data, (bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers err
        raise TypeError(f"data must be bytes, a bytearray or a memoryview, not {type(data).__name__}")
    return data
