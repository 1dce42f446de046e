"""Sending a file as a stream: read in a thread, block by block, and deflated if that saves enough."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from livekit.protocol import models
from livekit.streams.deflate import SAMPLE_BYTES, Deflater, deflate_if_worthwhile, new_deflater
from livekit.streams.framing import CHUNK_SIZE

from .writer import ByteStreamWriter

BLOCK_SIZE = 16 * CHUNK_SIZE
"""Bytes per read."""
MIN_COMPRESSED_FILE = 4 * SAMPLE_BYTES
"""Smaller files are sent uncompressed."""

_Compression = models.DataStream.CompressionType


@dataclass(frozen=True)
class OutgoingFile:
    """A file to be sent."""

    path: Path
    name: str
    size: int
    mime_type: str
    compression: models.DataStream.CompressionType

    @classmethod
    async def open(cls, path: str | os.PathLike[str], *, compress: bool) -> OutgoingFile:
        """Read a file's size and type, and decide on its compression. Raises OSError."""
        return await asyncio.to_thread(_inspect, Path(path), compress)

    async def send(self, writer: ByteStreamWriter, on_progress: Callable[[int, int], None] | None) -> None:
        """Write the file's content to a stream.

        Args:
            on_progress: called with the bytes read so far and the file's size, after each block.

        Raises:
            OSError: the file cannot be read, or it was truncated meanwhile.
            StreamError: the stream cannot be sent.
        """
        deflater = new_deflater() if self.compression == _Compression.DEFLATE_RAW else None
        with await asyncio.to_thread(self.path.open, "rb") as file:
            done = 0
            while done < self.size:
                size = min(BLOCK_SIZE, self.size - done)
                content, size = await asyncio.to_thread(_next_block, file, size, deflater)
                if not size:
                    raise OSError(f"{self.path} was truncated while it was being sent")
                done += size
                if done == self.size and deflater is not None:
                    content += deflater.flush()
                await writer.write(content)
                if on_progress is not None:
                    on_progress(done, self.size)


def _inspect(path: Path, compress: bool) -> OutgoingFile:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        worthwhile = False
        if compress and size >= MIN_COMPRESSED_FILE:
            file.seek((size - SAMPLE_BYTES) // 2)
            worthwhile = deflate_if_worthwhile(file.read(SAMPLE_BYTES)) is not None
    return OutgoingFile(
        path=path,
        name=path.name,
        size=size,
        mime_type=mimetypes.guess_type(path)[0] or "application/octet-stream",
        compression=_Compression.DEFLATE_RAW if worthwhile else _Compression.NONE,
    )


def _next_block(file: BinaryIO, size: int, deflater: Deflater | None) -> tuple[bytes, int]:
    """Return the next block as it is sent, and the number of bytes read from the file for it."""
    block = file.read(size)
    return (block if deflater is None else deflater.compress(block)), len(block)
