"""Reassembly of streams from packets. A `StreamSink`, chosen by topic on the header, receives the content."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from livekit.protocol import models

from .deflate import InflatedTooLongError, InflateError, Inflater

logger = logging.getLogger("livekit")

MAX_OPEN_STREAMS_PER_SENDER = 4_096
"""Concurrent streams per sender; further ones are refused."""
MAX_DEDUP_STREAMS = 4_096
"""Recent application streams remembered to detect duplicates."""

_Header = models.DataStream.Header
_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class StreamSink(Protocol):
    """Receiver of one stream. The last call is either `finished` or `failed`."""

    limit: int | None
    """Maximum bytes of inflated content; None for no limit."""

    def received(self, content: bytes) -> None:
        """Handle the next inflated content."""
        ...

    def finished(self, attributes: Mapping[str, str]) -> None:
        """Handle the end of a complete stream, with the attributes of its trailer."""
        ...

    def failed(self, error: IncompleteStreamError) -> None:
        """Handle the end of an incomplete stream."""
        ...


class IncompleteStreamError(Exception):
    """A stream ended incomplete."""


class StreamTooLongError(IncompleteStreamError):
    """The content exceeds the sink's limit."""


class StreamAbortedError(IncompleteStreamError):
    """The sender aborted the stream, with a reason."""


class SenderLeftError(StreamAbortedError):
    """The sender left, or the room disconnected."""


class StreamCorruptError(IncompleteStreamError):
    """A chunk is missing, the content does not inflate, or its length differs from the announced one."""


SinkFactory = Callable[[str, _Header], StreamSink | None]
"""Returns the sink of a stream, given the sender's identity and the header; None refuses it."""


class _PartialStream:
    """A stream being received."""

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
        """Number of chunks received."""
        return self._next_index

    def add_chunk(self, index: int, content: bytes) -> None:
        """Append a chunk; ignore a duplicate. Raises IncompleteStreamError."""
        if index < self._next_index:
            return
        if index > self._next_index:
            raise StreamCorruptError(f"chunk {self._next_index} is missing")
        self._next_index += 1
        self.add_content(content)

    def add_content(self, content: bytes) -> None:
        """Pass content to the sink, inflated and checked against the limit. Raises IncompleteStreamError."""
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
        """Finish the stream after checking its length. Raises StreamCorruptError."""
        if self._inflater is not None:
            try:
                self._inflater.finish()
            except InflateError as error:
                raise StreamCorruptError(str(error)) from error
        if self._expected is not None and self._received != self._expected:
            raise StreamCorruptError(f"received {self._received} of {self._expected} bytes")
        self.sink.finished(attributes)


class StreamReassembler:
    """Streams being received, by sender and stream id."""

    def __init__(self, default: SinkFactory | None = None) -> None:
        """`default` opens streams of topics that are not registered."""
        self._topics: dict[str, SinkFactory] = {}
        self._default = default
        self._open: dict[str, dict[str, _PartialStream]] = {}
        self._recent_streams: dict[tuple[str, str, int], str] = {}
        """The sender's sid of recent application streams, by sender identity, stream id and timestamp."""

    def __len__(self) -> int:
        """Return the number of open streams."""
        return sum(len(streams) for streams in self._open.values())

    def register(self, topic: str, factory: SinkFactory) -> None:
        """Register the factory for a topic. Raises ValueError: the topic is registered already."""
        if topic in self._topics:
            raise ValueError(f"topic {topic!r} is registered already")
        self._topics[topic] = factory

    def unregister(self, topic: str) -> None:
        """Remove a topic, if it is registered."""
        self._topics.pop(topic, None)

    def receive_header(self, sender: str, header: _Header, on_behalf_of: str | None = None, sid: str = "") -> None:
        """Open a stream.

        An application stream is ignored if it was received before under another `sid` of the sender, which repeats it
        after a full reconnect.

        Args:
            on_behalf_of: identity for which the sender, an agent, sends; the application sees it as the sender.
            sid: the sender's sid.
        """
        factory = self._topics.get(header.topic, self._default)
        if factory is self._default and self._is_duplicate(sender, header, sid):
            return
        streams = self._open.get(sender, {})
        if factory is None or header.stream_id in streams or len(streams) >= MAX_OPEN_STREAMS_PER_SENDER:
            logger.debug("ignored a stream of topic %r from %r", header.topic, sender)
            return
        registered = factory is not self._default  # an RPC topic: participants cannot act for others
        sink = factory(sender if on_behalf_of is None or registered else on_behalf_of, header)
        if sink is None:
            return
        try:
            stream = _PartialStream(header, sink)
            if header.HasField("inline_content"):
                stream.add_content(header.inline_content)
                stream.finish({})
            else:
                self._open.setdefault(sender, {})[header.stream_id] = stream
        except IncompleteStreamError as failure:
            sink.failed(failure)

    def receive_chunk(self, sender: str, chunk: models.DataStream.Chunk) -> None:
        """Append a chunk to its stream; ignore it if the stream is not open."""
        stream = self._open.get(sender, {}).get(chunk.stream_id)
        if stream is None:
            return
        try:
            stream.add_chunk(chunk.chunk_index, chunk.content)
        except IncompleteStreamError as failure:
            self._remove(sender, chunk.stream_id)
            stream.sink.failed(failure)

    def receive_trailer(self, sender: str, trailer: models.DataStream.Trailer) -> bool:
        """End a stream, complete or aborted. Return False if it is not open."""
        stream = self._remove(sender, trailer.stream_id)
        if stream is None:
            return False
        try:
            if trailer.reason:
                raise StreamAbortedError(trailer.reason)
            stream.finish(trailer.attributes)
        except IncompleteStreamError as failure:
            stream.sink.failed(failure)
        return True

    def chunk_counts(self, sender: str) -> dict[str, int]:
        """Return the number of received chunks of each open stream of a sender, by stream id."""
        return {stream_id: stream.chunks for stream_id, stream in self._open.get(sender, {}).items()}

    def sender_left(self, sender: str, stream_id: str | None = None) -> None:
        """Fail one stream, or all streams, of a sender that left."""
        for open_id in list(self._open.get(sender, {})) if stream_id is None else [stream_id]:
            stream = self._remove(sender, open_id)
            if stream is not None:
                stream.sink.failed(SenderLeftError("the sender left the room"))

    def close(self) -> None:
        """Fail all streams: the room disconnected."""
        for sender in list(self._open):
            self.sender_left(sender)

    def _is_duplicate(self, sender: str, header: _Header, sid: str) -> bool:
        key = sender, header.stream_id, header.timestamp
        known = self._recent_streams.setdefault(key, sid)
        if len(self._recent_streams) > MAX_DEDUP_STREAMS:
            del self._recent_streams[next(iter(self._recent_streams))]
        return known != sid

    def _remove(self, sender: str, stream_id: str) -> _PartialStream | None:
        """Remove a stream, and its sender's entry with the last one."""
        streams = self._open.get(sender, {})
        stream = streams.pop(stream_id, None)
        if stream is not None and not streams:
            del self._open[sender]
        return stream
