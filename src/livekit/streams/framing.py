"""Writing streams as packets: inside the header where every receiver takes that and it fits, else in chunks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from livekit._util.utf8 import utf8_boundary
from livekit.protocol import models

from .deflate import deflate_if_worthwhile

CHUNK_SIZE = 15_000
"""Bytes of content in a chunk, and of a whole header packet with its inline content."""

_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class HeaderTooLargeError(ValueError):
    """A stream's header with its attributes does not fit into a packet."""


def stream_header(
    *,
    topic: str,
    destinations: Sequence[str],
    attributes: Mapping[str, str] | None = None,
    stream_id: str | None = None,
    mime_type: str = "text/plain",
    total_length: int | None = None,
    speaker: str = "",
    timestamp_ms: int,
    kind: models.DataStream.TextHeader | models.DataStream.ByteHeader,
) -> models.DataPacket:
    """The first packet of a stream, of text or bytes as `kind` says. `speaker`: for whom an agent speaks."""
    # Filled in place: arguments of a constructor take twice as long, and a message among them is built twice.
    packet = models.DataPacket()
    packet.destination_identities.extend(destinations)
    if speaker:
        packet.participant_identity = speaker
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


class StreamFrames:
    """The packets of one stream that goes in chunks."""

    def __init__(self, header: models.DataPacket, *, whole_characters: bool) -> None:
        """Raises HeaderTooLargeError.

        Args:
            whole_characters: the content is text as it is, of which no chunk may end within a character.
        """
        if header.ByteSize() > CHUNK_SIZE:
            raise HeaderTooLargeError(f"a stream header of {header.ByteSize()} bytes does not fit into {CHUNK_SIZE}")
        self.header = header
        # Copied now: whoever sends the header may encrypt it in place.
        self._stream_id = header.stream_header.stream_id
        self._destinations = list(header.destination_identities)
        self._speaker = header.participant_identity
        self._whole_characters = whole_characters
        self._index = 0

    def chunks(self, content: bytes) -> Iterator[models.DataPacket]:
        """The next chunks; text is cut between characters, and must end with one."""
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
        """The last packet; a `reason` says that the stream is not complete."""
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
            participant_identity=self._speaker,
            stream_chunk=stream_chunk,
            stream_trailer=stream_trailer,
        )


def whole_stream(
    header: models.DataPacket, content: bytes, compressed: bytes | None, *, inline: bool
) -> models.DataPacket | Iterator[models.DataPacket]:
    """A stream of known content as one packet if `inline` is allowed and it fits, else as header, chunks and trailer.

    Args:
        header: of `stream_header`.
        compressed: `content` deflated, if that is to be sent.
        inline: every receiver takes content inside the header packet.

    Raises:
        HeaderTooLargeError: at once, before the first packet.
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
    return _all(StreamFrames(header, whole_characters=is_text and compressed is None), body)


def text_stream(
    text: str,
    *,
    topic: str,
    destinations: Sequence[str],
    attributes: Mapping[str, str],
    stream_id: str | None = None,
    inline: bool = False,
    deflate: bool = False,
    timestamp_ms: int = 0,
) -> models.DataPacket | Iterator[models.DataPacket]:
    """A whole text, as `whole_stream`; `deflate`: every receiver takes raw DEFLATE."""
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


def _all(frames: StreamFrames, body: bytes) -> Iterator[models.DataPacket]:
    yield frames.header
    yield from frames.chunks(body)
    yield frames.trailer()
