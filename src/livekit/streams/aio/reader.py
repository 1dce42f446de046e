"""Stream readers of an application: async iterators over received content, with bounded buffers."""

from __future__ import annotations

import asyncio
import codecs
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Generic, TypeVar
from weakref import WeakSet

from livekit._event_loop import check_loop
from livekit.streams.info import BaseStreamInfo, ByteStreamInfo, StreamError, TextStreamInfo
from livekit.streams.reassembly import IncompleteStreamError

MAX_UNREAD = 64 * 1024 * 1024
"""Bytes buffered for all readers of a room. Beyond it the stream with the most unread bytes fails."""

Info = TypeVar("Info", bound=BaseStreamInfo)
Piece = TypeVar("Piece", str, bytes)


class UnreadBudget:
    """Limit on the unread bytes of all readers of a room."""

    def __init__(self, limit: int = MAX_UNREAD) -> None:
        self._limit = limit
        self._total = 0
        self._readers: WeakSet[StreamReader[TextStreamInfo, str] | StreamReader[ByteStreamInfo, bytes]] = WeakSet()

    def add(self, reader: TextStreamReader | ByteStreamReader) -> None:
        """Track a reader, as long as the application holds it."""
        self._readers.add(reader)

    def adjust(self, size: int) -> None:
        """Add `size` unread bytes, negative if they were read. Beyond the limit, fail the readers with the most."""
        self._total += size
        if self._total <= self._limit:
            return
        self._total = sum(reader.unread for reader in self._readers)  # readers may have been garbage-collected unread
        while self._total > self._limit:
            max(self._readers, key=lambda reader: reader.unread).overflow()


class StreamReader(Generic[Info, Piece]):
    """An incoming stream: iterate over its content as it arrives, or call `read_all`.

    Content received before the stream failed is returned first; then StreamError is raised. The iteration of a closed
    reader ends immediately. Unread content is buffered, up to `MAX_UNREAD` bytes for all streams of a room.
    """

    def __init__(self, info: Info, limit: int | None, budget: UnreadBudget) -> None:
        self.limit = limit
        self.unread = 0
        """Bytes received and not read yet."""
        self._info = info
        self._budget = budget
        self._pieces: deque[bytes] = deque()
        self._ended = False
        self._error: StreamError | None = None
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def info(self) -> Info:
        """The stream's metadata. At the end `attributes` includes those of the trailer."""
        return self._info

    def __aiter__(self) -> StreamReader[Info, Piece]:
        return self

    async def __anext__(self) -> Piece:
        check_loop(self._loop)
        while True:
            if self._pieces:
                content = self._pieces.popleft()
                self._take(len(content))
                piece = self._decode(content, last=False)
            elif not self._ended:
                self._changed.clear()
                await self._changed.wait()
                continue
            elif self._error is not None:
                raise self._error
            else:
                piece = self._decode(b"", last=True)
                if not piece:
                    raise StopAsyncIteration
            if piece:
                return piece

    def close(self) -> None:
        """Stop reading: discard buffered and further content. No effect once the stream has ended."""
        if not self._ended:
            if not self._loop.is_closed():
                check_loop(self._loop)
            self._drop()
            self._end(None)

    async def aclose(self) -> None:
        """Call `close`."""
        self.close()

    def overflow(self) -> None:
        """Discard the buffered content and fail the stream, because the room's limit is exceeded."""
        size = self.unread
        self._drop()
        self._ended = False
        self._end(
            StreamError(f"{size} bytes arrived and were not read: read streams as they arrive, or close the reader")
        )

    # StreamSink

    def received(self, content: bytes) -> None:
        """Buffer content."""
        if self._ended:
            return
        self._pieces.append(content)
        self.unread += len(content)
        self._changed.set()
        self._budget.adjust(len(content))

    def finished(self, attributes: Mapping[str, str]) -> None:
        """End the iteration after the buffered content."""
        if self._info.attributes is not None:
            self._info.attributes.update(attributes)
        self._end(None)

    def failed(self, error: IncompleteStreamError) -> None:
        """Raise StreamError after the buffered content."""
        self._end(StreamError(str(error)))

    @abstractmethod
    def _decode(self, content: bytes, *, last: bool) -> Piece: ...

    def _end(self, error: StreamError | None) -> None:
        if not self._ended:
            self._ended, self._error = True, error
            self._changed.set()

    def _drop(self) -> None:
        self._pieces.clear()
        self._take(self.unread)

    def _take(self, size: int) -> None:
        self.unread -= size
        self._budget.adjust(-size)


class TextStreamReader(StreamReader[TextStreamInfo, str]):
    """An incoming text stream. Each item consists of whole characters."""

    def __init__(self, info: TextStreamInfo, limit: int | None, budget: UnreadBudget) -> None:
        super().__init__(info, limit, budget)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        budget.add(self)

    async def read_all(self) -> str:
        """Return the whole text. Raises StreamError."""
        return "".join([piece async for piece in self])

    def _decode(self, content: bytes, *, last: bool) -> str:
        try:
            return self._decoder.decode(content, last)
        except UnicodeDecodeError:
            self.close()
            self._error = StreamError("the text is not UTF-8")
            raise self._error from None


class ByteStreamReader(StreamReader[ByteStreamInfo, bytes]):
    """An incoming byte stream."""

    def __init__(self, info: ByteStreamInfo, limit: int | None, budget: UnreadBudget) -> None:
        super().__init__(info, limit, budget)
        budget.add(self)

    async def read_all(self) -> bytes:
        """Return the whole content. Raises StreamError. (Not in the official SDK.)"""
        return b"".join([piece async for piece in self])

    def _decode(self, content: bytes, *, last: bool) -> bytes:
        return content
