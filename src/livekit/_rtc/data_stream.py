"""Text and byte streams."""

from __future__ import annotations

from livekit import (
    ByteStreamInfo,
    ByteStreamReader,
    ByteStreamWriter,
    StreamError,
    TextStreamInfo,
    TextStreamReader,
    TextStreamWriter,
)
from livekit.streams.aio.handlers import ByteStreamHandler, TextStreamHandler
from livekit.streams.aio.writer import BaseStreamWriter
from livekit.streams.info import BaseStreamInfo

__all__ = [
    "BaseStreamInfo",
    "BaseStreamWriter",
    "ByteStreamHandler",
    "ByteStreamInfo",
    "ByteStreamReader",
    "ByteStreamWriter",
    "StreamError",
    "TextStreamHandler",
    "TextStreamInfo",
    "TextStreamReader",
    "TextStreamWriter",
]
