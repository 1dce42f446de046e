from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.streams.framing import text_stream
from livekit.streams.reassembly import (
    MAX_DEDUP_STREAMS,
    MAX_OPEN_STREAMS_PER_SENDER,
    SenderLeftError,
    StreamAbortedError,
    StreamCorruptError,
    StreamReassembler,
    StreamTooLongError,
)
from tests.streams.recording_sink import RecordingSink

Header = models.DataStream.Header
Chunk = models.DataStream.Chunk
Trailer = models.DataStream.Trailer
DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class ReassemblyHarness:
    """A reassembler with a sink for each stream of topic "topic"."""

    def __init__(self, limit: int | None = None) -> None:
        self.streams = StreamReassembler()
        self.limit = limit
        self.sinks: list[RecordingSink] = []
        self.streams.register("topic", self.open)

    def open(self, sender: str, header: Header) -> RecordingSink:
        self.sinks.append(RecordingSink(self.limit))
        return self.sinks[-1]

    def header(self, stream_id: str = "id", *, sender: str = "alice", **fields: object) -> RecordingSink:
        self.streams.receive_header(sender, Header(stream_id=stream_id, topic="topic", **fields))  # type: ignore[arg-type]
        return self.sinks[-1]

    def chunk(self, index: int, content: bytes, stream_id: str = "id", sender: str = "alice") -> None:
        self.streams.receive_chunk(sender, Chunk(stream_id=stream_id, chunk_index=index, content=content))

    def trailer(self, stream_id: str = "id", *, sender: str = "alice", reason: str = "") -> bool:
        return self.streams.receive_trailer(
            sender, Trailer(stream_id=stream_id, reason=reason, attributes={"key": "value"})
        )


def test_a_stream_in_chunks() -> None:
    harness = ReassemblyHarness()
    sink = harness.header(total_length=4)
    harness.chunk(0, b"ab")
    harness.chunk(1, b"cd")
    assert not sink.ended
    assert harness.trailer() is True
    assert (sink.content, sink.attributes) == (b"abcd", {"key": "value"})
    assert len(harness.streams) == 0
    assert harness.streams._open == {}


def test_an_inline_stream() -> None:
    harness = ReassemblyHarness()
    sink = harness.header(inline_content=b"abcd", total_length=4)
    assert (sink.content, sink.attributes) == (b"abcd", {})
    assert len(harness.streams) == 0


def test_an_empty_stream() -> None:
    harness = ReassemblyHarness()
    inline = harness.header(inline_content=b"")
    assert inline.attributes == {}
    chunked = harness.header()
    harness.trailer()
    assert chunked.attributes is not None
    assert inline.parts == chunked.parts == []


def test_unregistered_topics_and_refused_streams_are_ignored() -> None:
    harness = ReassemblyHarness()
    harness.streams.receive_header("alice", Header(stream_id="id", topic="other"))
    harness.streams.register("refused", lambda sender, header: None)
    harness.streams.receive_header("alice", Header(stream_id="id", topic="refused"))
    harness.chunk(0, b"ab")
    assert harness.trailer() is False
    assert len(harness.streams) == 0


def test_a_topic_is_registered_once() -> None:
    harness = ReassemblyHarness()
    with pytest.raises(ValueError, match="'topic'"):
        harness.streams.register("topic", harness.open)
    harness.streams.unregister("topic")
    harness.streams.unregister("topic")
    harness.streams.register("topic", harness.open)


def test_senders_cannot_affect_each_others_streams() -> None:
    harness = ReassemblyHarness()
    alice = harness.header()
    mallory = harness.header(sender="mallory")
    harness.chunk(0, b"lie", sender="mallory")
    harness.chunk(0, b"truth")
    harness.trailer(sender="mallory", reason="abort")
    harness.trailer(sender="")
    assert not alice.ended
    harness.trailer()
    assert (alice.content, mallory.content) == (b"truth", b"lie")


def test_a_duplicate_header_is_ignored() -> None:
    harness = ReassemblyHarness()
    sink = harness.header()
    harness.chunk(0, b"ab")
    assert harness.header() is sink
    harness.trailer()
    assert sink.content == b"ab"


def test_a_duplicate_chunk_is_ignored_and_a_missing_one_is_an_error() -> None:
    harness = ReassemblyHarness()
    sink = harness.header()
    harness.chunk(0, b"ab")
    harness.chunk(0, b"ab")
    harness.chunk(2, b"ef")
    assert isinstance(sink.error, StreamCorruptError)
    assert "chunk 1 is missing" in str(sink.error)
    harness.chunk(1, b"cd")
    assert sink.content == b"ab"
    assert harness.trailer() is False
    assert harness.streams._open == {}


@pytest.mark.parametrize("total", [3, 5])
def test_a_length_other_than_announced_is_an_error(total: int) -> None:
    harness = ReassemblyHarness()
    sink = harness.header(total_length=total)
    harness.chunk(0, b"abcd")
    harness.trailer()
    assert isinstance(sink.error, StreamCorruptError)


def test_an_abort() -> None:
    harness = ReassemblyHarness()
    sink = harness.header()
    assert harness.trailer(reason="cancelled") is True
    assert isinstance(sink.error, StreamAbortedError)
    assert not isinstance(sink.error, SenderLeftError)


def test_the_sender_leaves() -> None:
    harness = ReassemblyHarness()
    gone, other = harness.header("1"), harness.header("2", sender="bob")
    harness.streams.sender_left("alice")
    harness.streams.sender_left("alice")
    assert isinstance(gone.error, SenderLeftError)
    assert not other.ended
    harness.streams.close()
    assert isinstance(other.error, SenderLeftError)
    assert len(harness.streams) == 0


# Row 14: limits


def test_row_14_a_length_over_the_limit_is_refused_at_the_header() -> None:
    harness = ReassemblyHarness(limit=10)
    assert isinstance(harness.header(total_length=11).error, StreamTooLongError)
    assert not harness.header(total_length=10).ended
    assert len(harness.streams) == 1


def test_row_14_content_over_the_limit_is_refused_on_receipt() -> None:
    harness = ReassemblyHarness(limit=10)
    assert isinstance(harness.header(inline_content=b"x" * 11).error, StreamTooLongError)
    sink = harness.header()
    harness.chunk(0, b"x" * 10)
    assert not sink.ended
    harness.chunk(1, b"x")
    assert isinstance(sink.error, StreamTooLongError)
    assert len(sink.content) == 10


def deflated(text: str) -> bytes:
    packet = text_stream(text, topic="t", destinations=[], attributes={}, inline=True, deflate=True, timestamp_ms=0)
    assert isinstance(packet, models.DataPacket)
    assert packet.stream_header.compression == DEFLATE_RAW
    return packet.stream_header.inline_content


def test_row_14_the_limit_applies_to_inflated_content() -> None:
    harness = ReassemblyHarness(limit=5_000)
    fits = harness.header(inline_content=deflated("x" * 5_000), compression=DEFLATE_RAW, total_length=5_000)
    assert fits.content == b"x" * 5_000
    bomb = harness.header(inline_content=deflated("x" * 1_000_000), compression=DEFLATE_RAW)
    assert isinstance(bomb.error, StreamTooLongError)
    assert bomb.parts == []


def test_invalid_or_truncated_deflate_content() -> None:
    harness = ReassemblyHarness()
    assert isinstance(harness.header(inline_content=b"\xff" * 9, compression=DEFLATE_RAW).error, StreamCorruptError)
    assert isinstance(harness.header(inline_content=b"", compression=DEFLATE_RAW).error, StreamCorruptError)
    sink = harness.header(compression=DEFLATE_RAW)
    body = deflated("some text" * 1000)
    harness.chunk(0, body[:10])
    harness.chunk(1, body[10:])
    assert not sink.ended
    harness.chunk(2, b"behind the end")
    assert isinstance(sink.error, StreamCorruptError)


def test_empty_chunks_are_not_passed_on() -> None:
    harness = ReassemblyHarness()
    sink = harness.header()
    for index in range(1000):
        harness.chunk(index, b"")
    assert sink.parts == []


def test_open_streams_per_sender_are_limited() -> None:
    harness = ReassemblyHarness()
    for number in range(MAX_OPEN_STREAMS_PER_SENDER):
        harness.header(str(number))
    harness.header("one more")
    harness.header("one more", sender="bob")
    assert len(harness.sinks) == len(harness.streams) == MAX_OPEN_STREAMS_PER_SENDER + 1
    harness.trailer("0")
    harness.header("one more")
    assert len(harness.sinks) == MAX_OPEN_STREAMS_PER_SENDER + 2


# Properties


@given(
    st.lists(st.binary(max_size=20), max_size=8),
    st.lists(st.integers(0, 7), max_size=20),
    st.booleans(),
)
def test_chunks_in_order_with_gaps_and_duplicates(parts: list[bytes], extra: list[int], gap: bool) -> None:
    """Duplicates have no effect, and a missing chunk is never skipped silently."""
    harness = ReassemblyHarness()
    whole = b"".join(parts)
    sink = harness.header(total_length=len(whole))
    missing = len(parts) // 2 if gap and parts else None
    for index, part in enumerate(parts):
        if index != missing:
            harness.chunk(index, part)
        for again in extra:
            if again <= index and again != missing:
                harness.chunk(again, parts[again])
    harness.trailer()
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
    harness = ReassemblyHarness(limit=50)
    for sender, packet in packets:
        if isinstance(packet, Header):
            harness.streams.receive_header(sender, packet)
        elif isinstance(packet, Chunk):
            harness.streams.receive_chunk(sender, packet)
        else:
            harness.streams.receive_trailer(sender, packet)
    assert len(harness.streams) == sum(not sink.ended for sink in harness.sinks)
    harness.streams.close()
    for sink in harness.sinks:
        assert sink.ended
        assert len(sink.content) <= 50
    assert harness.streams._open == {}


def test_unregistered_topics_use_the_default_factory() -> None:
    harness = ReassemblyHarness()
    others: list[tuple[str, str]] = []

    def take(sender: str, header: Header) -> RecordingSink | None:
        others.append((sender, header.topic))
        return None

    streams = StreamReassembler(take)
    streams.register("topic", harness.open)
    streams.receive_header("alice", Header(stream_id="1", topic="other"))
    streams.receive_header("alice", Header(stream_id="2", topic="topic"))
    assert others == [("alice", "other")]
    assert len(harness.sinks) == 1


def test_the_sink_gets_the_identity_that_an_agent_sends_for() -> None:
    speakers: list[str] = []
    sink = RecordingSink()

    def take(sender: str, header: Header) -> RecordingSink:
        speakers.append(sender)
        return sink

    streams = StreamReassembler(take)
    streams.receive_header("agent", Header(stream_id="1"), "bob")
    streams.receive_chunk("agent", Chunk(stream_id="1", chunk_index=0, content=b"x"))
    assert (speakers, sink.content) == (["bob"], b"x")
    streams.sender_left("bob")
    assert not sink.ended
    streams.sender_left("agent")
    assert isinstance(sink.error, SenderLeftError)


def test_registered_topics_ignore_the_identity_that_an_agent_sends_for() -> None:
    senders: list[str] = []

    def take(sender: str, header: Header) -> RecordingSink:
        senders.append(sender)
        return RecordingSink()

    streams = StreamReassembler()
    streams.register("topic", take)
    streams.receive_header("agent", Header(stream_id="1", topic="topic"), "bob")
    assert senders == ["agent"]


def test_chunk_counts_of_open_streams() -> None:
    harness = ReassemblyHarness()
    harness.header("1")
    harness.header("2")
    harness.chunk(0, b"x", "1")
    harness.chunk(1, b"y", "1")
    assert harness.streams.chunk_counts("alice") == {"1": 2, "2": 0}
    assert harness.streams.chunk_counts("bob") == {}


def test_an_application_stream_repeated_after_a_full_reconnect_is_ignored() -> None:
    senders: list[str] = []

    def take(sender: str, header: Header) -> RecordingSink:
        senders.append(sender)
        return RecordingSink()

    streams = StreamReassembler(take)
    header = Header(stream_id="1", timestamp=5, inline_content=b"x")
    streams.receive_header("alice", header, sid="PA_1")
    streams.receive_header("alice", header, sid="PA_2")
    assert senders == ["alice"]
    streams.receive_header("bob", header, sid="PA_3")
    assert senders == ["alice", "bob"]


def test_duplicate_detection_remembers_a_bounded_number_of_streams() -> None:
    count = 0

    def take(sender: str, header: Header) -> RecordingSink:
        nonlocal count
        count += 1
        return RecordingSink()

    streams = StreamReassembler(take)
    for number in range(MAX_DEDUP_STREAMS + 1):
        streams.receive_header("alice", Header(stream_id=str(number), inline_content=b""), sid="PA_1")
    assert count == MAX_DEDUP_STREAMS + 1
    streams.receive_header("alice", Header(stream_id="1", inline_content=b""), sid="PA_2")
    assert count == MAX_DEDUP_STREAMS + 1, "a recent stream"
    streams.receive_header("alice", Header(stream_id="0", inline_content=b""), sid="PA_2")
    assert count == MAX_DEDUP_STREAMS + 2, "the oldest was evicted"
