from __future__ import annotations

import logging

import pytest

from livekit.protocol import models
from livekit.streams.aio.handlers import DEFAULT_MAX_PAYLOAD, StreamHandlers, StreamReaders
from livekit.streams.aio.reader import ByteStreamReader, TextStreamReader

Header = models.DataStream.Header
TEXT = Header(stream_id="id", topic="t", text_header=models.DataStream.TextHeader())
BYTES = Header(stream_id="id", topic="t", byte_header=models.DataStream.ByteHeader(name="n"))


def ignore(reader: object, sender: str) -> None:
    return None


def test_a_topic_has_one_handler_of_each_kind() -> None:
    handlers = StreamHandlers()
    handlers.register_text("t", ignore)
    handlers.register_bytes("t", ignore)
    with pytest.raises(ValueError, match="text stream handler for topic 't' already set"):
        handlers.register_text("t", ignore)
    with pytest.raises(ValueError, match="byte stream handler for topic 't' already set"):
        handlers.register_bytes("t", ignore)


def test_coroutine_functions_are_refused() -> None:
    async def read(reader: object, sender: str) -> None:
        return None

    handlers = StreamHandlers()
    with pytest.raises(ValueError, match="cannot be a coroutine function"):
        handlers.register_text("t", read)  # type: ignore[arg-type]
    assert handlers.text == {}


async def test_the_handler_gets_the_reader_and_the_sender() -> None:
    handlers, opened = StreamHandlers(), list[tuple[object, str]]()
    handlers.register_text("t", lambda reader, sender: opened.append((reader, sender)))
    handlers.register_bytes("t", lambda reader, sender: opened.append((reader, sender)))
    readers = StreamReaders(handlers, None)
    text, content = readers.open("alice", TEXT), readers.open("bob", BYTES)
    assert isinstance(text, TextStreamReader)
    assert isinstance(content, ByteStreamReader)
    assert opened == [(text, "alice"), (content, "bob")]
    assert (text.limit, content.info.name) == (DEFAULT_MAX_PAYLOAD, "n")
    limited = StreamReaders(handlers, 10).open("alice", TEXT)
    assert limited is not None
    assert limited.limit == 10


@pytest.mark.parametrize("header", [TEXT, BYTES, Header(topic="t")])
async def test_a_stream_without_a_handler_is_refused(header: Header, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "livekit"):
        assert StreamReaders(StreamHandlers(), None).open("alice", header) is None
    assert "there is no handler for topic 't'" in caplog.text


async def test_streams_without_handlers_do_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    readers = StreamReaders(StreamHandlers(), None)
    with caplog.at_level(logging.INFO, "livekit"):
        for number in range(1_000):
            readers.open("mallory", Header(topic=f"t{number}"))
        readers.open("bob", TEXT)
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == ["mallory", "bob"]


async def test_a_handler_that_raises_gets_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(reader: TextStreamReader, sender: str) -> None:
        raise KeyError("of the handler")

    handlers = StreamHandlers()
    handlers.register_text("t", fail)
    reader = StreamReaders(handlers, None).open("alice", TEXT)
    assert isinstance(reader, TextStreamReader)
    reader.received(b"x")
    assert (reader.unread, await reader.read_all()) == (0, "")
    assert "the handler of streams of topic 't' failed" in caplog.text
