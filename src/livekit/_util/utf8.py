"""Lengths and cuts of UTF-8 text that never split a character."""

from __future__ import annotations


def truncate_utf8(text: str, limit: int) -> str:
    """Return the longest prefix of `text` whose UTF-8 encoding has at most `limit` bytes.

    Raises:
        UnicodeEncodeError: The text contains lone surrogates.
    """
    data = text.encode()
    return text if len(data) <= limit else data[: utf8_boundary(data, limit)].decode()


def utf8_length(text: str) -> int:
    """Return the length of `text` in bytes of UTF-8.

    Raises:
        UnicodeEncodeError: The text contains lone surrogates.
    """
    return len(text) if text.isascii() else len(text.encode())


def utf8_boundary(data: bytes, end: int) -> int:
    """Return the largest index <= `end` at which a character of UTF-8 `data` starts, or its length."""
    if end >= len(data):
        return len(data)
    while end > 0 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end
