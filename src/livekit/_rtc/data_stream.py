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
from livekit.streams.handlers import ByteStreamHandler, TextStreamHandler
from livekit.streams.info import BaseStreamInfo
from livekit.streams.writer import BaseStreamWriter

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
