"""Forwarding between two TCP connections."""

from __future__ import annotations

import asyncio
import contextlib

_BLOCK = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def forward(near: Streams, far: Streams) -> None:
    """Forward in both directions until both connections have ended; the end of one ends the other."""
    await asyncio.gather(_pump(near[0], far[1]), _pump(far[0], near[1]))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while block := await reader.read(_BLOCK):
                writer.write(block)
                await writer.drain()
    finally:
        writer.close()
