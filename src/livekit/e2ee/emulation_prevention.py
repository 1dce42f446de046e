"""Emulation prevention of H.264 NAL units (ITU-T H.264 section 7.4.1.1)."""

from __future__ import annotations

import re

__all__ = ["escape", "unescape"]

_TO_ESCAPE = re.compile(rb"\x00\x00(?=[\x00-\x03])")
_ESCAPED = re.compile(rb"\x00\x00\x03")


def escape(data: bytes) -> bytes:
    """Insert 0x03 between two zero bytes and a byte from 0x00 to 0x03, so that no start code can appear."""
    return _TO_ESCAPE.sub(b"\x00\x00\x03", data)


def unescape(data: bytes) -> bytes:
    """Remove each 0x03 that follows two zero bytes."""
    return _ESCAPED.sub(b"\x00\x00", data)
