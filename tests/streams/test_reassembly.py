from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.streams.framing import text_stream
from livekit.streams.reassembly import (
    MAX_OPEN_STREAMS_PER_SENDER,
    IncomingStreams,
    IncompleteStreamError,
    SenderLeftError,
    StreamAbortedError,
    StreamCorruptError,
    StreamTooLongError,
)

Header = models.DataStream.Header
Chunk = models.DataStream.Chunk
Trailer = models.DataStream.Trailer
DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class Sink:
    """Notes what comes, and that it ends once and last."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.parts: list[bytes] = []
        self.attributes: dict[str, str] | None = None
        self.error: IncompleteStreamError | None = None

    @property
    def ended(self) -> bool:
        return self.attributes is not None or self.error is not None

    @property
    def content(self) -> bytes:
        return b"".join(self.parts)

    def received(self, content: bytes) -> None:
        assert not self.ended
        self.parts.append(content)

    def finished(self, attributes: Mapping[str, str]) -> None:
        assert not self.ended
        self.attributes = dict(attributes)

    def failed(self, error: IncompleteStreamError) -> None:
        assert not self.ended
        self.error = error


class Desk:
    """Streams of topic "topic", with a sink for each."""

    def __init__(self, limit: int | None = None) -> None:
        self.streams = IncomingStreams()
        self.limit = limit
        self.sinks: list[Sink] = []
        self.streams.register("topic", self.open)

    def open(self, sender: str, header: Header) -> Sink:
        self.sinks.append(Sink(self.limit))
        return self.sinks[-1]

    def header(self, stream_id: str = "id", *, sender: str = "alice", **fields: object) -> Sink:
        self.streams.header(sender, Header(stream_id=stream_id, topic="topic", **fields))  # type: ignore[arg-type]
        return self.sinks[-1]

    def chunk(self, index: int, content: bytes, stream_id: str = "id", sender: str = "alice") -> None:
        self.streams.chunk(sender, Chunk(stream_id=stream_id, chunk_index=index, content=content))

    def trailer(self, stream_id: str = "id", *, sender: str = "alice", reason: str = "") -> bool:
        return self.streams.trailer(sender, Trailer(stream_id=stream_id, reason=reason, attributes={"key": "value"}))


def test_a_stream_in_chunks() -> None:
    desk = Desk()
    sink = desk.header(total_length=4)
    desk.chunk(0, b"ab")
    desk.chunk(1, b"cd")
    assert not sink.ended
    assert desk.trailer() is True
    assert (sink.content, sink.attributes) == (b"abcd", {"key": "value"})
    assert len(desk.streams) == 0
    assert desk.streams._open == {}


def test_an_inline_stream() -> None:
    desk = Desk()
    sink = desk.header(inline_content=b"abcd", total_length=4)
    assert (sink.content, sink.attributes) == (b"abcd", {})
    assert len(desk.streams) == 0


def test_an_empty_stream() -> None:
    desk = Desk()
    inline = desk.header(inline_content=b"")
    assert inline.attributes == {}
    chunked = desk.header()
    desk.trailer()
    assert chunked.attributes is not None
    assert inline.parts == chunked.parts == []


def test_streams_of_other_topics_and_refused_ones_are_ignored() -> None:
    desk = Desk()
    desk.streams.header("alice", Header(stream_id="id", topic="other"))
    desk.streams.register("refused", lambda sender, header: None)
    desk.streams.header("alice", Header(stream_id="id", topic="refused"))
    desk.chunk(0, b"ab")
    assert desk.trailer() is False
    assert len(desk.streams) == 0


def test_a_topic_has_one_reader() -> None:
    desk = Desk()
    with pytest.raises(ValueError, match="'topic'"):
        desk.streams.register("topic", desk.open)
    desk.streams.unregister("topic")
    desk.streams.unregister("topic")
    desk.streams.register("topic", desk.open)


def test_senders_do_not_touch_each_others_streams() -> None:
    desk = Desk()
    alice = desk.header()
    mallory = desk.header(sender="mallory")
    desk.chunk(0, b"lie", sender="mallory")
    desk.chunk(0, b"truth")
    desk.trailer(sender="mallory", reason="abort")
    desk.trailer(sender="")
    assert not alice.ended
    desk.trailer()
    assert (alice.content, mallory.content) == (b"truth", b"lie")


def test_a_header_that_comes_again_opens_nothing() -> None:
    desk = Desk()
    sink = desk.header()
    desk.chunk(0, b"ab")
    assert desk.header() is sink
    desk.trailer()
    assert sink.content == b"ab"


def test_a_chunk_that_comes_again_is_ignored_and_a_missing_one_is_an_error() -> None:
    desk = Desk()
    sink = desk.header()
    desk.chunk(0, b"ab")
    desk.chunk(0, b"ab")
    desk.chunk(2, b"ef")
    assert isinstance(sink.error, StreamCorruptError)
    assert "chunk 1 is missing" in str(sink.error)
    desk.chunk(1, b"cd")
    assert sink.content == b"ab"
    assert desk.trailer() is False
    assert desk.streams._open == {}


@pytest.mark.parametrize("total", [3, 5])
def test_another_length_than_announced(total: int) -> None:
    desk = Desk()
    sink = desk.header(total_length=total)
    desk.chunk(0, b"abcd")
    desk.trailer()
    assert isinstance(sink.error, StreamCorruptError)


def test_an_abort() -> None:
    desk = Desk()
    sink = desk.header()
    assert desk.trailer(reason="cancelled") is True
    assert isinstance(sink.error, StreamAbortedError)
    assert not isinstance(sink.error, SenderLeftError)


def test_the_sender_leaves() -> None:
    desk = Desk()
    gone, other = desk.header("1"), desk.header("2", sender="bob")
    desk.streams.sender_left("alice")
    desk.streams.sender_left("alice")
    assert isinstance(gone.error, SenderLeftError)
    assert not other.ended
    desk.streams.close()
    assert isinstance(other.error, SenderLeftError)
    assert len(desk.streams) == 0


# Row 14: limits


def test_row_14_a_length_over_the_limit_is_refused_at_the_header() -> None:
    desk = Desk(limit=10)
    assert isinstance(desk.header(total_length=11).error, StreamTooLongError)
    assert not desk.header(total_length=10).ended
    assert len(desk.streams) == 1


def test_row_14_content_over_the_limit_is_refused_as_it_comes() -> None:
    desk = Desk(limit=10)
    assert isinstance(desk.header(inline_content=b"x" * 11).error, StreamTooLongError)
    sink = desk.header()
    desk.chunk(0, b"x" * 10)
    assert not sink.ended
    desk.chunk(1, b"x")
    assert isinstance(sink.error, StreamTooLongError)
    assert len(sink.content) == 10


def deflated(text: str) -> bytes:
    packet = text_stream(text, topic="t", destinations=[], attributes={}, inline=True, deflate=True)
    assert isinstance(packet, models.DataPacket)
    assert packet.stream_header.compression == DEFLATE_RAW
    return packet.stream_header.inline_content


def test_row_14_the_limit_is_that_of_the_inflated_content() -> None:
    desk = Desk(limit=5_000)
    fits = desk.header(inline_content=deflated("x" * 5_000), compression=DEFLATE_RAW, total_length=5_000)
    assert fits.content == b"x" * 5_000
    bomb = desk.header(inline_content=deflated("x" * 1_000_000), compression=DEFLATE_RAW)
    assert isinstance(bomb.error, StreamTooLongError)
    assert bomb.parts == []


def test_deflated_content_that_is_none_or_not_all() -> None:
    desk = Desk()
    assert isinstance(desk.header(inline_content=b"\xff" * 9, compression=DEFLATE_RAW).error, StreamCorruptError)
    assert isinstance(desk.header(inline_content=b"", compression=DEFLATE_RAW).error, StreamCorruptError)
    sink = desk.header(compression=DEFLATE_RAW)
    body = deflated("some text" * 1000)
    desk.chunk(0, body[:10])
    desk.chunk(1, body[10:])
    assert not sink.ended
    desk.chunk(2, b"behind the end")
    assert isinstance(sink.error, StreamCorruptError)


def test_chunks_without_content_are_not_kept() -> None:
    desk = Desk()
    sink = desk.header()
    for index in range(1000):
        desk.chunk(index, b"")
    assert sink.parts == []


def test_a_sender_has_so_many_open_streams_only() -> None:
    desk = Desk()
    for number in range(MAX_OPEN_STREAMS_PER_SENDER):
        desk.header(str(number))
    desk.header("one more")
    desk.header("one more", sender="bob")
    assert len(desk.sinks) == len(desk.streams) == MAX_OPEN_STREAMS_PER_SENDER + 1
    desk.trailer("0")
    desk.header("one more")
    assert len(desk.sinks) == MAX_OPEN_STREAMS_PER_SENDER + 2


# Properties


@given(
    st.lists(st.binary(max_size=20), max_size=8),
    st.lists(st.integers(0, 7), max_size=20),
    st.booleans(),
)
def test_chunks_in_order_with_gaps_and_duplicates(parts: list[bytes], extra: list[int], gap: bool) -> None:
    """Whatever comes again changes nothing; a gap is never filled with silence."""
    desk = Desk()
    whole = b"".join(parts)
    sink = desk.header(total_length=len(whole))
    missing = len(parts) // 2 if gap and parts else None
    for index, part in enumerate(parts):
        if index != missing:
            desk.chunk(index, part)
        for again in extra:
            if again <= index and again != missing:
                desk.chunk(again, parts[again])
    desk.trailer()
    if missing is None:
        assert (sink.content, sink.error) == (whole, None)
    elif sink.error is None:
        assert missing == len(parts) - 1
        assert parts[missing] == b""
    assert sink.ended
    assert whole.startswith(sink.content)


steps = st.one_of(
    st.builds(
        Header,
        stream_id=st.sampled_from("ab"),
        topic=st.sampled_from(["topic", "other"]),
        total_length=st.one_of(st.none(), st.integers(0, 60)),
        compression=st.sampled_from([0, 1]),
        inline_content=st.one_of(st.none(), st.binary(max_size=40)),
    ),
    st.builds(Chunk, stream_id=st.sampled_from("ab"), chunk_index=st.integers(0, 3), content=st.binary(max_size=40)),
    st.builds(Trailer, stream_id=st.sampled_from("ab"), reason=st.sampled_from(["", "cancelled"])),
)


@given(st.lists(st.tuples(st.sampled_from(["alice", "bob", ""]), steps), max_size=30))
def test_any_packets_end_every_stream_once_and_keep_the_limit(
    packets: list[tuple[str, Header | Chunk | Trailer]],
) -> None:
    desk = Desk(limit=50)
    for sender, packet in packets:
        if isinstance(packet, Header):
            desk.streams.header(sender, packet)
        elif isinstance(packet, Chunk):
            desk.streams.chunk(sender, packet)
        else:
            desk.streams.trailer(sender, packet)
    assert len(desk.streams) == sum(not sink.ended for sink in desk.sinks)
    desk.streams.close()
    for sink in desk.sinks:
        assert sink.ended
        assert len(sink.content) <= 50
    assert desk.streams._open == {}


def test_streams_of_other_topics_go_to_who_takes_all_others() -> None:
    desk = Desk()
    others: list[tuple[str, str]] = []

    def take(sender: str, header: Header) -> Sink | None:
        others.append((sender, header.topic))
        return None

    streams = IncomingStreams(take)
    streams.register("topic", desk.open)
    streams.header("alice", Header(stream_id="1", topic="other"))
    streams.header("alice", Header(stream_id="2", topic="topic"))
    assert others == [("alice", "other")]
    assert len(desk.sinks) == 1


def test_who_an_agent_speaks_for_is_what_the_reader_is_told() -> None:
    speakers: list[str] = []
    sink = Sink()

    def take(sender: str, header: Header) -> Sink:
        speakers.append(sender)
        return sink

    streams = IncomingStreams(take)
    streams.header("agent", Header(stream_id="1"), "bob")
    streams.chunk("agent", Chunk(stream_id="1", chunk_index=0, content=b"x"))
    assert (speakers, sink.content) == (["bob"], b"x")
    streams.sender_left("bob")
    assert not sink.ended
    streams.sender_left("agent")
    assert isinstance(sink.error, SenderLeftError)


def test_nobody_speaks_for_another_in_a_registered_topic() -> None:
    senders: list[str] = []

    def take(sender: str, header: Header) -> Sink:
        senders.append(sender)
        return Sink()

    streams = IncomingStreams()
    streams.register("topic", take)
    streams.header("agent", Header(stream_id="1", topic="topic"), "bob")
    assert senders == ["agent"]
