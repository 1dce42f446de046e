"""Putting streams together from packets. Who reads them is a `StreamSink`, chosen by topic when a header arrives."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from livekit.protocol import models

from .deflate import InflatedTooLongError, InflateError, Inflater

logger = logging.getLogger("livekit")

MAX_OPEN_STREAMS_PER_SENDER = 4_096
"""Streams a sender may have open at once; the next one is refused."""
MAX_REMEMBERED_STREAMS = 4_096
"""Streams of applications that are known again when they come a second time."""

_Header = models.DataStream.Header
_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class StreamSink(Protocol):
    """The reader of one stream. Exactly one of `finished` and `failed` is called, last."""

    limit: int | None
    """Most bytes of content, inflated, that the reader takes; None for no limit."""

    def received(self, content: bytes) -> None:
        """More content, inflated."""
        ...

    def finished(self, attributes: Mapping[str, str]) -> None:
        """The stream is complete; `attributes` are those of its trailer."""
        ...

    def failed(self, error: IncompleteStreamError) -> None:
        """The stream ends without being complete."""
        ...


class IncompleteStreamError(Exception):
    """Why a stream is not complete."""


class StreamTooLongError(IncompleteStreamError):
    """The content is over the reader's limit."""


class StreamAbortedError(IncompleteStreamError):
    """The sender closed the stream with a reason."""


class SenderLeftError(StreamAbortedError):
    """The sender left, or the room disconnected."""


class StreamCorruptError(IncompleteStreamError):
    """Chunks are missing, or the content does not inflate or has another length than announced."""


SinkFactory = Callable[[str, _Header], StreamSink | None]
"""Gives the reader of a stream from a sender's identity and its header; None to refuse it."""


class _OpenStream:
    """A stream whose trailer has not come."""

    __slots__ = ("_expected", "_inflater", "_next_index", "_received", "sink")

    def __init__(self, header: _Header, sink: StreamSink) -> None:
        self.sink = sink
        self._expected = header.total_length if header.HasField("total_length") else None
        self._inflater = Inflater(sink.limit) if header.compression == _DEFLATE_RAW else None
        self._next_index = 0
        self._received = 0
        if self._expected is not None and sink.limit is not None and self._expected > sink.limit:
            raise StreamTooLongError(f"{self._expected} bytes announced, {sink.limit} allowed")

    @property
    def chunks(self) -> int:
        """How many have come."""
        return self._next_index

    def chunk(self, index: int, content: bytes) -> None:
        """Raises IncompleteStreamError. A chunk that comes again is ignored."""
        if index < self._next_index:
            return
        if index > self._next_index:
            raise StreamCorruptError(f"chunk {self._next_index} is missing")
        self._next_index += 1
        self.content(content)

    def content(self, content: bytes) -> None:
        if self._inflater is not None:
            try:
                content = self._inflater.feed(content)
            except InflateError as error:
                too_long = isinstance(error, InflatedTooLongError)
                raise (StreamTooLongError if too_long else StreamCorruptError)(str(error)) from error
        self._received += len(content)
        if self.sink.limit is not None and self._received > self.sink.limit:
            raise StreamTooLongError(f"more than {self.sink.limit} bytes")
        if content:
            self.sink.received(content)

    def finish(self, attributes: Mapping[str, str]) -> None:
        """Raises StreamCorruptError."""
        if self._inflater is not None:
            try:
                self._inflater.finish()
            except InflateError as error:
                raise StreamCorruptError(str(error)) from error
        if self._expected is not None and self._received != self._expected:
            raise StreamCorruptError(f"{self._received} bytes came of {self._expected}")
        self.sink.finished(attributes)


class IncomingStreams:
    """All streams that are arriving, by sender and stream id."""

    def __init__(self, others: SinkFactory | None = None) -> None:
        """`others` gives the readers of streams whose topic is not registered."""
        self._topics: dict[str, SinkFactory] = {}
        self._others = others
        self._open: dict[str, dict[str, _OpenStream]] = {}
        self._begun: dict[tuple[str, str, int], str] = {}
        """Streams of applications that began of late, by sender, id and time, and the sid that their sender had."""

    def __len__(self) -> int:
        return sum(len(streams) for streams in self._open.values())

    def register(self, topic: str, factory: SinkFactory) -> None:
        """Read streams of `topic`. Raises ValueError if somebody does already."""
        if topic in self._topics:
            raise ValueError(f"streams of topic {topic!r} have a reader already")
        self._topics[topic] = factory

    def unregister(self, topic: str) -> None:
        self._topics.pop(topic, None)

    def header(self, sender: str, header: _Header, speaker: str | None = None, sid: str = "") -> None:
        """A stream begins. `speaker`: for whom the sender, an agent, speaks; its reader is told so. A stream that
        came before is ignored under another `sid` of the sender, who sends it again after a full reconnect."""
        factory = self._topics.get(header.topic, self._others)
        if factory is self._others and self._came_before(sender, header, sid):
            return
        streams = self._open.get(sender, {})
        if factory is None or header.stream_id in streams or len(streams) >= MAX_OPEN_STREAMS_PER_SENDER:
            logger.debug("ignored a stream of topic %r from %r", header.topic, sender)
            return
        registered = factory is not self._others  # which are those of calls: nobody makes or answers them for another
        sink = factory(sender if speaker is None or registered else speaker, header)
        if sink is None:
            return
        try:
            stream = _OpenStream(header, sink)
            if header.HasField("inline_content"):
                stream.content(header.inline_content)
                stream.finish({})
            else:
                self._open.setdefault(sender, {})[header.stream_id] = stream
        except IncompleteStreamError as failure:
            sink.failed(failure)

    def chunk(self, sender: str, chunk: models.DataStream.Chunk) -> None:
        stream = self._open.get(sender, {}).get(chunk.stream_id)
        if stream is None:
            return
        try:
            stream.chunk(chunk.chunk_index, chunk.content)
        except IncompleteStreamError as failure:
            self._take(sender, chunk.stream_id)
            stream.sink.failed(failure)

    def trailer(self, sender: str, trailer: models.DataStream.Trailer) -> bool:
        """The end of a stream, by plan or by abort. False if no such stream is open."""
        stream = self._take(sender, trailer.stream_id)
        if stream is None:
            return False
        try:
            if trailer.reason:
                raise StreamAbortedError(trailer.reason)
            stream.finish(trailer.attributes)
        except IncompleteStreamError as failure:
            stream.sink.failed(failure)
        return True

    def progress(self, sender: str) -> dict[str, int]:
        """How many chunks have come of each open stream of a sender, by stream id."""
        return {stream_id: stream.chunks for stream_id, stream in self._open.get(sender, {}).items()}

    def sender_left(self, sender: str, stream_id: str | None = None) -> None:
        """The sender is gone: this stream, or all of its streams, fail."""
        for gone in list(self._open.get(sender, {})) if stream_id is None else [stream_id]:
            stream = self._take(sender, gone)
            if stream is not None:
                stream.sink.failed(SenderLeftError("the sender left the room"))

    def close(self) -> None:
        """The room disconnected: all streams fail."""
        for sender in list(self._open):
            self.sender_left(sender)

    def _came_before(self, sender: str, header: _Header, sid: str) -> bool:
        begun = sender, header.stream_id, header.timestamp
        known = self._begun.setdefault(begun, sid)
        if len(self._begun) > MAX_REMEMBERED_STREAMS:
            del self._begun[next(iter(self._begun))]
        return known != sid

    def _take(self, sender: str, stream_id: str) -> _OpenStream | None:
        """Take a stream out, and its sender's entry with the last one."""
        streams = self._open.get(sender, {})
        stream = streams.pop(stream_id, None)
        if stream is not None and not streams:
            del self._open[sender]
        return stream
