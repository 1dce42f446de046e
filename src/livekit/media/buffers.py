"""Checks of the memory behind frames."""

from __future__ import annotations

from typing import TypeAlias

Buffer: TypeAlias = "bytes | bytearray | memoryview"


def contiguous_bytes(data: Buffer) -> Buffer:
    """Return the data as a flat buffer of bytes.

    Raises:
        TypeError: `data` is not bytes, a bytearray or a memoryview.
        ValueError: `data` is a non-contiguous memoryview.
    """
    if isinstance(data, memoryview):
        if not data.contiguous:
            raise ValueError("memoryview must be contiguous: pass a copy of it, for example bytes(view)")
        return data.cast("B")
    if not isinstance(data, (bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
        raise TypeError(f"expected bytes, bytearray, or memoryview, got {type(data)}")
    return data
