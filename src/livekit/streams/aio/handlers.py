"""Stream handlers of an application, by topic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from livekit._util.logs import RateLimitedLog
from livekit.protocol import models
from livekit.streams.info import byte_info, text_info
from livekit.streams.reassembly import StreamSink

from .reader import ByteStreamReader, TextStreamReader, UnreadBudget

logger = logging.getLogger("livekit")

DEFAULT_MAX_PAYLOAD = 5_000_000_000
"""Default of `DataStreamOptions`: bytes of one incoming stream, inflated."""

TextStreamHandler = Callable[[TextStreamReader, str], None]
"""Called with the reader and the sender's identity when a text stream starts."""
ByteStreamHandler = Callable[[ByteStreamReader, str], None]
"""Called with the reader and the sender's identity when a byte stream starts."""

Handler = TypeVar("Handler", TextStreamHandler, ByteStreamHandler)
Reader = TypeVar("Reader", TextStreamReader, ByteStreamReader)


class StreamHandlers:
    """The stream handlers of a room. They outlive its connections."""

    def __init__(self) -> None:
        self.text: dict[str, TextStreamHandler] = {}
        self.bytes: dict[str, ByteStreamHandler] = {}

    def register_text(self, topic: str, handler: TextStreamHandler) -> None:
        """Register a handler of text streams. Raises ValueError: the topic is taken, or it is a coroutine function."""
        _register("text", self.text, topic, handler)

    def register_bytes(self, topic: str, handler: ByteStreamHandler) -> None:
        """Register a handler of byte streams. Raises ValueError: the topic is taken, or it is a coroutine function."""
        _register("byte", self.bytes, topic, handler)


def _register(kind: str, handlers: dict[str, Handler], topic: str, handler: Handler) -> None:
    if topic in handlers:
        raise ValueError(f"{kind} stream handler for topic '{topic}' already set")
    if asyncio.iscoroutinefunction(handler):
        raise ValueError(
            f"a {kind} stream handler cannot be a coroutine function: start a task in it that reads the stream"
        )
    handlers[topic] = handler


class StreamReaders:
    """Opens readers for the application streams of a connected room. `open` is a `SinkFactory`."""

    def __init__(self, handlers: StreamHandlers, max_payload: int | None) -> None:
        self._handlers = handlers
        self._limit = DEFAULT_MAX_PAYLOAD if max_payload is None else max_payload
        self._budget = UnreadBudget()
        self._ignored_log = RateLimitedLog(logger)
        self._kinds: dict[str, Callable[[str, models.DataStream.Header], StreamSink | None]] = {
            "text_header": self._open_text,
            "byte_header": self._open_bytes,
        }

    def open(self, sender: str, header: models.DataStream.Header) -> StreamSink | None:
        """Pass a new reader to the topic's handler and return it; return None if the topic has no handler."""
        opener = self._kinds.get(header.WhichOneof("content_header") or "")
        sink = None if opener is None else opener(sender, header)
        if sink is None:
            self._ignored_log.info(
                sender, "ignored a stream of %r: there is no handler for topic %r", sender, header.topic
            )
        return sink

    def _open_text(self, sender: str, header: models.DataStream.Header) -> StreamSink | None:
        handler = self._handlers.text.get(header.topic)
        if handler is None:
            return None
        return _call_handler(handler, TextStreamReader(text_info(header), self._limit, self._budget), sender)

    def _open_bytes(self, sender: str, header: models.DataStream.Header) -> StreamSink | None:
        handler = self._handlers.bytes.get(header.topic)
        if handler is None:
            return None
        return _call_handler(handler, ByteStreamReader(byte_info(header), self._limit, self._budget), sender)


def _call_handler(handler: Callable[[Reader, str], None], reader: Reader, sender: str) -> Reader:
    try:
        handler(reader, sender)
    except Exception:
        logger.exception("the handler of streams of topic %r failed", reader.info.topic)
        reader.close()
    return reader
