"""UTF-8 without cutting a character in two."""

from __future__ import annotations


def truncate_utf8(text: str, limit: int) -> str:
    """The longest prefix of `text` that is at most `limit` bytes as UTF-8. Raises as `utf8_length` does."""
    data = text.encode()
    return text if len(data) <= limit else data[: utf8_boundary(data, limit)].decode()


def utf8_length(text: str) -> int:
    """Bytes of `text` as UTF-8. Raises UnicodeEncodeError for lone surrogates, as encoding would."""
    return len(text) if text.isascii() else len(text.encode())


def utf8_boundary(data: bytes, end: int) -> int:
    """The largest index <= `end` that does not split a character of UTF-8 `data`."""
    if end >= len(data):
        return len(data)
    while end > 0 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end
