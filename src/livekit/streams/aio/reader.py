"""Streams as applications read them: an async iterator over what has arrived, bounded in what it keeps unread."""

from __future__ import annotations

import asyncio
import codecs
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Generic, TypeVar
from weakref import WeakSet

from livekit.streams.info import BaseStreamInfo, ByteStreamInfo, StreamError, TextStreamInfo
from livekit.streams.reassembly import IncompleteStreamError

MAX_UNREAD = 64 * 1024 * 1024
"""Bytes that the streams of a room keep for readers that do not read; over it the one with the most is given up."""

Info = TypeVar("Info", bound=BaseStreamInfo)
Piece = TypeVar("Piece", str, bytes)


class Unread:
    """What all readers of a room hold together."""

    def __init__(self, limit: int = MAX_UNREAD) -> None:
        self._limit = limit
        self._total = 0
        self._readers: WeakSet[StreamReader[TextStreamInfo, str] | StreamReader[ByteStreamInfo, bytes]] = WeakSet()

    def watch(self, reader: TextStreamReader | ByteStreamReader) -> None:
        self._readers.add(reader)

    def changed(self, size: int) -> None:
        """A reader holds `size` bytes more, or less. Makes room where it is too much."""
        self._total += size
        if self._total <= self._limit:
            return
        self._total = sum(reader.unread for reader in self._readers)  # some may have been dropped unread
        while self._total > self._limit:
            max(self._readers, key=lambda reader: reader.unread).give_up()


class StreamReader(Generic[Info, Piece]):
    """An incoming stream: iterate over its pieces as they come, or `read_all`.

    What has come before the stream fails is read first; then StreamError is raised. Iterating a reader that was closed
    ends at once. Content that is not read is kept up to `MAX_UNREAD` bytes for all streams of a room.
    """

    def __init__(self, info: Info, limit: int | None, unread: Unread) -> None:
        self.limit = limit
        self.unread = 0
        """Bytes that have come and were not read."""
        self._info = info
        self._store = unread
        self._pieces: deque[bytes] = deque()
        self._ended = False
        self._error: StreamError | None = None
        self._changed = asyncio.Event()

    @property
    def info(self) -> Info:
        """What the sender said of it; at the end `attributes` has those of its trailer too."""
        return self._info

    def __aiter__(self) -> StreamReader[Info, Piece]:
        return self

    async def __anext__(self) -> Piece:
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
        """Read no more: what has come is dropped, and what still comes too. Does nothing at a stream's end."""
        if not self._ended:
            self._drop()
            self._end(None)

    async def aclose(self) -> None:
        """`close`."""
        self.close()

    def give_up(self) -> None:
        """Too much is unread: drop it, and fail."""
        size = self.unread
        self._drop()
        self._ended = False
        self._end(StreamError(f"{size} bytes came and were not read: read streams as they come, or close the reader"))

    # StreamSink

    def received(self, content: bytes) -> None:
        if self._ended:
            return
        self._pieces.append(content)
        self.unread += len(content)
        self._changed.set()
        self._store.changed(len(content))

    def finished(self, attributes: Mapping[str, str]) -> None:
        if self._info.attributes is not None:
            self._info.attributes.update(attributes)
        self._end(None)

    def failed(self, error: IncompleteStreamError) -> None:
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
        self._store.changed(-size)


class TextStreamReader(StreamReader[TextStreamInfo, str]):
    """An incoming text stream; its pieces are whole characters."""

    def __init__(self, info: TextStreamInfo, limit: int | None, unread: Unread) -> None:
        super().__init__(info, limit, unread)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        unread.watch(self)

    async def read_all(self) -> str:
        """The whole text. Raises StreamError."""
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

    def __init__(self, info: ByteStreamInfo, limit: int | None, unread: Unread) -> None:
        super().__init__(info, limit, unread)
        unread.watch(self)

    async def read_all(self) -> bytes:
        """The whole content. Raises StreamError. (Ours, not the official SDK's.)"""
        return b"".join([piece async for piece in self])

    def _decode(self, content: bytes, *, last: bool) -> bytes:
        return content
