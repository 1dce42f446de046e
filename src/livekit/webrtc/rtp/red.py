"""Redundant audio data (RFC 2198): a packet that also carries earlier frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .packet import RtpError

__all__ = ["RedundantBlock", "decode_red", "encode_red"]

MAX_BLOCKS = 32
"""Blocks per packet; libwebrtc sends up to ten."""
MAX_TIMESTAMP_OFFSET = (1 << 14) - 1
MAX_BLOCK_SIZE = (1 << 10) - 1
"""Bytes of a redundant block; the last, primary block has no length field."""


class RedundantBlock(NamedTuple):
    """One frame in a packet."""

    payload_type: int
    timestamp_offset: int
    """Age of the frame relative to the packet's timestamp; 0 for the primary block."""
    payload: bytes


def decode_red(payload: bytes) -> list[RedundantBlock]:
    """Return the blocks of a payload, the oldest first; the last is the primary one.

    Raises:
        RtpError: The payload is malformed.
    """
    headers: list[tuple[int, int, int]] = []
    position, size = 0, len(payload)
    while position < size and payload[position] & 0x80:
        if position + 4 > size or len(headers) >= MAX_BLOCKS:
            raise RtpError("the block headers of a RED payload are cut off or too many")
        word = int.from_bytes(payload[position : position + 4], "big")
        headers.append((word >> 24 & 0x7F, word >> 10 & MAX_TIMESTAMP_OFFSET, word & MAX_BLOCK_SIZE))
        position += 4
    if position >= size:
        raise RtpError("a RED payload lacks its primary block")
    primary_type = payload[position]
    position += 1
    blocks: list[RedundantBlock] = []
    for payload_type, offset, length in headers:
        if position + length > size:
            raise RtpError(f"a RED block of {length} bytes does not fit into the payload")
        blocks.append(RedundantBlock(payload_type, offset, payload[position : position + length]))
        position += length
    blocks.append(RedundantBlock(primary_type, 0, payload[position:]))
    return blocks


def encode_red(primary: bytes, redundant: Sequence[RedundantBlock], payload_type: int) -> bytes:
    """Return a payload of earlier frames, the oldest first, and a primary frame of `payload_type`.

    Frames that RED cannot express, too old or too long, are left out.
    """
    blocks = [
        block
        for block in redundant
        if 0 < block.timestamp_offset <= MAX_TIMESTAMP_OFFSET and len(block.payload) <= MAX_BLOCK_SIZE
    ]
    headers = b"".join(
        (1 << 31 | block.payload_type << 24 | block.timestamp_offset << 10 | len(block.payload)).to_bytes(4, "big")
        for block in blocks
    )
    return b"".join([headers, bytes([payload_type]), *(block.payload for block in blocks), primary])
