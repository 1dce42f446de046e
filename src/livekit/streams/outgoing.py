"""Writing a text stream as packets: inside its header where the receiver takes that and it fits, else in chunks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence

from livekit._text import utf8_boundary
from livekit.protocol import models

from .deflate import deflate_if_worthwhile

CHUNK_SIZE = 15_000
"""Bytes of content in a chunk, and of a whole header packet with its inline content."""

_Header = models.DataStream.Header
_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class HeaderTooLargeError(ValueError):
    """A stream's header with its attributes does not fit into a packet."""


def text_stream(
    text: str,
    *,
    topic: str,
    destinations: Sequence[str],
    attributes: Mapping[str, str],
    stream_id: str | None = None,
    inline: bool = False,
    deflate: bool = False,
) -> models.DataPacket | Iterator[models.DataPacket]:
    """A whole text as one packet if `inline` is allowed and it fits, else as header, chunks and trailer.

    Args:
        inline: every receiver takes content inside the header packet.
        deflate: every receiver takes raw DEFLATE.

    Raises:
        HeaderTooLargeError: at once, before the first packet.
    """
    content = text.encode()
    compressed = deflate_if_worthwhile(content) if deflate else None
    header = _Header(
        stream_id=stream_id or str(uuid.uuid4()),
        timestamp=time.time_ns() // 1_000_000,
        topic=topic,
        mime_type="text/plain",
        total_length=len(content),
        attributes=attributes,
        text_header=models.DataStream.TextHeader(),
    )
    if compressed is not None:
        header.compression = _DEFLATE_RAW
    body = content if compressed is None else compressed
    packet = models.DataPacket(destination_identities=destinations, stream_header=header)
    if inline and len(body) < CHUNK_SIZE:
        packet.stream_header.inline_content = body
        if packet.ByteSize() <= CHUNK_SIZE:
            return packet
        packet.stream_header.ClearField("inline_content")
    if packet.ByteSize() > CHUNK_SIZE:
        raise HeaderTooLargeError(f"a stream header of {packet.ByteSize()} bytes does not fit into {CHUNK_SIZE}")
    return _chunked(packet, body, whole_characters=compressed is None)


def _chunked(header: models.DataPacket, body: bytes, *, whole_characters: bool) -> Iterator[models.DataPacket]:
    destinations = list(header.destination_identities)
    stream_id = header.stream_header.stream_id
    yield header
    start = index = 0
    while start < len(body):
        end = min(start + CHUNK_SIZE, len(body))
        if whole_characters:
            end = utf8_boundary(body, end)
        yield models.DataPacket(
            destination_identities=destinations,
            stream_chunk=models.DataStream.Chunk(stream_id=stream_id, chunk_index=index, content=body[start:end]),
        )
        start, index = end, index + 1
    yield models.DataPacket(
        destination_identities=destinations, stream_trailer=models.DataStream.Trailer(stream_id=stream_id)
    )
