"""Stream metadata and StreamError, named as in the official SDK."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.protocol import models

_Header = models.DataStream.Header


class StreamError(ConnectionError):
    """A stream could not be sent, or it ended incomplete: aborted, over a limit, the sender left, …"""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


@dataclass
class BaseStreamInfo:
    """Metadata of a stream."""

    stream_id: str
    mime_type: str
    topic: str
    timestamp: int
    """Start of the stream in milliseconds since the Unix epoch."""
    size: int | None
    """Bytes of content; 0 if the sender did not announce it."""
    attributes: dict[str, str] | None


@dataclass
class TextStreamInfo(BaseStreamInfo):
    """Metadata of a text stream."""

    attachments: list[str]
    """Ids of the attached byte streams."""


@dataclass
class ByteStreamInfo(BaseStreamInfo):
    """Metadata of a byte stream."""

    name: str
    """Name of the file."""


def text_info(header: _Header) -> TextStreamInfo:
    """Return the metadata in a text stream's header."""
    return TextStreamInfo(
        stream_id=header.stream_id,
        mime_type=header.mime_type,
        topic=header.topic,
        timestamp=header.timestamp,
        size=header.total_length,
        attributes=dict(header.attributes),
        attachments=list(header.text_header.attached_stream_ids),
    )


def byte_info(header: _Header) -> ByteStreamInfo:
    """Return the metadata in a byte stream's header."""
    return ByteStreamInfo(
        stream_id=header.stream_id,
        mime_type=header.mime_type,
        topic=header.topic,
        timestamp=header.timestamp,
        size=header.total_length,
        attributes=dict(header.attributes),
        name=header.byte_header.name,
    )
