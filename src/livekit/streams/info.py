"""What is known of a stream before its content; names as the official SDK's."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.protocol import models

_Header = models.DataStream.Header


class StreamError(ConnectionError):
    """A stream could not be sent, or ended without being complete: aborted, too long, the sender left, …"""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


@dataclass
class BaseStreamInfo:
    stream_id: str
    mime_type: str
    topic: str
    timestamp: int
    """When it was begun, in milliseconds since 1970."""
    size: int | None
    """Bytes of content; 0 where the sender did not say."""
    attributes: dict[str, str] | None


@dataclass
class TextStreamInfo(BaseStreamInfo):
    attachments: list[str]
    """Ids of byte streams that belong to it."""


@dataclass
class ByteStreamInfo(BaseStreamInfo):
    name: str
    """Of the file."""


def text_info(header: _Header) -> TextStreamInfo:
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
    return ByteStreamInfo(
        stream_id=header.stream_id,
        mime_type=header.mime_type,
        topic=header.topic,
        timestamp=header.timestamp,
        size=header.total_length,
        attributes=dict(header.attributes),
        name=header.byte_header.name,
    )
