from __future__ import annotations

import os
import zlib
from pathlib import Path
from random import Random

import pytest

from livekit.protocol import models
from livekit.streams.aio.files import BLOCK_SIZE, MIN_COMPRESSED_FILE, OutgoingFile
from livekit.streams.aio.writer import ByteStreamWriter
from livekit.streams.framing import StreamFramer, stream_header
from livekit.streams.info import byte_info
from tests.streams.aio.recording_sender import RecordingSender

_Compression = models.DataStream.CompressionType


def writer(sender: RecordingSender) -> ByteStreamWriter:
    header = stream_header(topic="f", destinations=[], timestamp_ms=0, kind=models.DataStream.ByteHeader())
    return ByteStreamWriter(byte_info(header.stream_header), StreamFramer(header, whole_characters=False), sender)


@pytest.mark.parametrize(
    ("content", "compress", "compressed"),
    [
        (b"a line\n" * (MIN_COMPRESSED_FILE // 7 + 1), True, True),
        (b"a line\n" * (MIN_COMPRESSED_FILE // 7 + 1), False, False),
        (b"x" * (MIN_COMPRESSED_FILE - 1), True, False),
        (Random(0).randbytes(MIN_COMPRESSED_FILE), True, False),
    ],
)
async def test_only_large_files_that_shrink_are_compressed(
    tmp_path: Path, content: bytes, compress: bool, compressed: bool
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    file = await OutgoingFile.open(path, compress=compress)
    assert (file.name, file.size, file.mime_type) == ("notes.txt", len(content), "text/plain")
    assert file.compression == (_Compression.DEFLATE_RAW if compressed else _Compression.NONE)


async def test_the_type_of_an_unknown_suffix(tmp_path: Path) -> None:
    path = tmp_path / "file.qqq"
    path.write_bytes(b"")
    file = await OutgoingFile.open(os.fspath(path), compress=True)
    assert (file.mime_type, file.size) == ("application/octet-stream", 0)
    with pytest.raises(FileNotFoundError):
        await OutgoingFile.open(tmp_path / "nothing", compress=True)


@pytest.mark.parametrize("compress", [True, False])
async def test_a_file_is_sent_block_by_block(tmp_path: Path, compress: bool) -> None:
    path, content = tmp_path / "f", b"line %d\n" * (2 * BLOCK_SIZE // 8) + b"end"
    path.write_bytes(content)
    file = await OutgoingFile.open(path, compress=compress)
    sender, progress = RecordingSender(), list[tuple[int, int]]()
    await file.send(writer(sender), lambda done, size: progress.append((done, size)))
    assert (zlib.decompress(sender.content(), -15) if compress else sender.content()) == content
    assert progress == [(done, len(content)) for done in (BLOCK_SIZE, 2 * BLOCK_SIZE, len(content))]


async def test_a_file_truncated_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"123456")
    file = await OutgoingFile.open(path, compress=False)
    path.write_bytes(b"123")
    with pytest.raises(OSError, match="was truncated while it was being sent"):
        await file.send(writer(RecordingSender()), None)
