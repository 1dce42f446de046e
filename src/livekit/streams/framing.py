"""Framing of streams: content inline in the header packet if it fits and all receivers accept that, else in chunks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from livekit._util.utf8 import utf8_boundary
from livekit.protocol import models

from .deflate import deflate_if_worthwhile

CHUNK_SIZE = 15_000
"""Maximum bytes of content in a chunk, and of a header packet including its inline content."""

_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class HeaderTooLargeError(ValueError):
    """The stream's header, with its attributes, does not fit into a packet."""


def stream_header(
    *,
    topic: str,
    destinations: Sequence[str],
    attributes: Mapping[str, str] | None = None,
    stream_id: str | None = None,
    mime_type: str = "text/plain",
    total_length: int | None = None,
    on_behalf_of: str = "",
    timestamp_ms: int,
    kind: models.DataStream.TextHeader | models.DataStream.ByteHeader,
) -> models.DataPacket:
    """Return the first packet of a stream.

    Args:
        on_behalf_of: identity of the participant for which an agent sends.
        timestamp_ms: start of the stream, in milliseconds since the Unix epoch.
        kind: the header of a text or a byte stream.
    """
    # Assigning fields takes half the time of constructor arguments, which also build nested messages twice.
    packet = models.DataPacket()
    packet.destination_identities.extend(destinations)
    if on_behalf_of:
        packet.participant_identity = on_behalf_of
    header = packet.stream_header
    header.stream_id = stream_id or str(uuid.uuid4())
    header.timestamp = timestamp_ms
    header.topic = topic
    header.mime_type = mime_type
    if total_length is not None:
        header.total_length = total_length
    for name, value in (attributes or {}).items():
        header.attributes[name] = value
    if isinstance(kind, models.DataStream.TextHeader):
        header.text_header.CopyFrom(kind)
    else:
        header.byte_header.CopyFrom(kind)
    return packet


class StreamFramer:
    """Builds the packets of one chunked stream."""

    def __init__(self, header: models.DataPacket, *, whole_characters: bool) -> None:
        """Raises HeaderTooLargeError.

        Args:
            whole_characters: the content is uncompressed text, and no chunk may split a character.
        """
        if header.ByteSize() > CHUNK_SIZE:
            raise HeaderTooLargeError(f"a stream header of {header.ByteSize()} bytes does not fit into {CHUNK_SIZE}")
        self.header = header
        # Copied now: the sender may encrypt the header in place.
        self._stream_id = header.stream_header.stream_id
        self._destinations = list(header.destination_identities)
        self._on_behalf_of = header.participant_identity
        self._whole_characters = whole_characters
        self._index = 0

    def chunks(self, content: bytes) -> Iterator[models.DataPacket]:
        """Yield the next chunks. Text is split between characters; `content` must end with a whole one."""
        start = 0
        while start < len(content):
            end = min(start + CHUNK_SIZE, len(content))
            if self._whole_characters:
                end = utf8_boundary(content, end)
            chunk = models.DataStream.Chunk(
                stream_id=self._stream_id, chunk_index=self._index, content=content[start:end]
            )
            yield self._packet(stream_chunk=chunk)
            start, self._index = end, self._index + 1

    def trailer(self, reason: str = "", attributes: Mapping[str, str] | None = None) -> models.DataPacket:
        """Return the last packet. A non-empty `reason` aborts the stream."""
        trailer = models.DataStream.Trailer(stream_id=self._stream_id, reason=reason, attributes=attributes)
        return self._packet(stream_trailer=trailer)

    def _packet(
        self,
        *,
        stream_chunk: models.DataStream.Chunk | None = None,
        stream_trailer: models.DataStream.Trailer | None = None,
    ) -> models.DataPacket:
        return models.DataPacket(
            destination_identities=self._destinations,
            participant_identity=self._on_behalf_of,
            stream_chunk=stream_chunk,
            stream_trailer=stream_trailer,
        )


def whole_stream(
    header: models.DataPacket, content: bytes, compressed: bytes | None, *, inline: bool
) -> models.DataPacket | Iterator[models.DataPacket]:
    """Return a stream of known content as one packet if `inline` and it fits, else as header, chunks and trailer.

    Args:
        header: from `stream_header`.
        compressed: `content` deflated, if that is to be sent.
        inline: all receivers accept content inside the header packet.

    Raises:
        HeaderTooLargeError: immediately, before the first packet.
    """
    header.stream_header.total_length = len(content)
    if compressed is not None:
        header.stream_header.compression = _DEFLATE_RAW
    body = content if compressed is None else compressed
    if inline and len(body) < CHUNK_SIZE:
        header.stream_header.inline_content = body
        if header.ByteSize() <= CHUNK_SIZE:
            return header
        header.stream_header.ClearField("inline_content")
    is_text = header.stream_header.HasField("text_header")
    return _chunked_stream(StreamFramer(header, whole_characters=is_text and compressed is None), body)


def text_stream(
    text: str,
    *,
    topic: str,
    destinations: Sequence[str],
    attributes: Mapping[str, str],
    stream_id: str | None = None,
    inline: bool = False,
    deflate: bool = False,
    timestamp_ms: int,
) -> models.DataPacket | Iterator[models.DataPacket]:
    """Return a stream of known text, as `whole_stream`.

    Args:
        inline: all receivers accept content inside the header packet.
        deflate: all receivers accept raw DEFLATE.
        timestamp_ms: start of the stream, in milliseconds since the Unix epoch.
    """
    content = text.encode()
    header = stream_header(
        topic=topic,
        destinations=destinations,
        attributes=attributes,
        stream_id=stream_id,
        timestamp_ms=timestamp_ms,
        kind=models.DataStream.TextHeader(),
    )
    return whole_stream(header, content, deflate_if_worthwhile(content) if deflate else None, inline=inline)


def _chunked_stream(framer: StreamFramer, body: bytes) -> Iterator[models.DataPacket]:
    yield framer.header
    yield from framer.chunks(body)
    yield framer.trailer()
