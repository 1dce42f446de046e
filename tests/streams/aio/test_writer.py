from __future__ import annotations

import asyncio

import pytest

from livekit.protocol import models
from livekit.streams.aio.writer import ByteStreamWriter, TextStreamWriter, send_header
from livekit.streams.framing import StreamFramer, stream_header
from livekit.streams.info import StreamError, byte_info, text_info
from tests.streams.aio.recording_sender import RecordingSender


def text_writer(sender: RecordingSender) -> TextStreamWriter:
    header = stream_header(topic="t", destinations=[], timestamp_ms=0, kind=models.DataStream.TextHeader())
    return TextStreamWriter(text_info(header.stream_header), StreamFramer(header, whole_characters=True), sender)


def byte_writer(sender: RecordingSender) -> ByteStreamWriter:
    header = stream_header(topic="b", destinations=[], timestamp_ms=0, kind=models.DataStream.ByteHeader(name="n"))
    return ByteStreamWriter(byte_info(header.stream_header), StreamFramer(header, whole_characters=False), sender)


async def test_a_stream_is_header_chunks_and_trailer() -> None:
    sender = RecordingSender()
    writer = text_writer(sender)
    await send_header(writer)
    await writer.write("zwölf")
    await writer.write("")
    await writer.aclose(attributes={"a": "1"})
    assert sender.kinds() == ["stream_header", "stream_chunk", "stream_trailer"]
    assert sender.content().decode() == "zwölf"
    assert dict(sender.sent[-1].stream_trailer.attributes) == {"a": "1"}
    assert writer.info.topic == "t"


async def test_a_closed_writer_refuses_content() -> None:
    writer = byte_writer(RecordingSender())
    await writer.aclose()
    with pytest.raises(RuntimeError, match="Cannot write after stream is closed"):
        await writer.write(b"x")
    with pytest.raises(RuntimeError, match="Stream already closed"):
        await writer.aclose()


async def test_leaving_the_context_closes_the_stream() -> None:
    sender = RecordingSender()
    async with byte_writer(sender) as writer:
        await writer.write(b"x")
    assert sender.kinds() == ["stream_chunk", "stream_trailer"]
    assert sender.sent[-1].stream_trailer.reason == ""
    async with byte_writer(sender) as closed:
        await closed.aclose()
    assert sender.kinds().count("stream_trailer") == 2


async def test_an_exception_aborts_the_stream_and_drops_unsent_packets() -> None:
    sender = RecordingSender()
    writings: list[asyncio.Future[None]] = []

    async def fail() -> None:
        async with byte_writer(sender) as writer:
            sender.paused = True
            writings.append(asyncio.ensure_future(writer.write(b"x")))
            await asyncio.sleep(0)
            raise KeyError("x")

    with pytest.raises(KeyError):
        await fail()
    sender.flush()
    assert sender.kinds() == ["stream_trailer"]
    assert sender.sent[0].stream_trailer.reason == "KeyError"
    writings[0].cancel()


async def test_an_exception_in_a_closed_room_stays_the_same_exception() -> None:
    sender = RecordingSender()

    async def fail() -> None:
        async with byte_writer(sender):
            sender.closed = True
            raise KeyError("x")

    with pytest.raises(KeyError):
        await fail()


async def test_a_write_waits_for_the_one_before_it() -> None:
    sender = RecordingSender()
    sender.paused = True
    writer = byte_writer(sender)
    first = asyncio.ensure_future(writer.write(b"1"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.ensure_future(writer.write(b"2"))
    await asyncio.sleep(0)
    sender.paused = False
    assert sender.sent == []
    sender.flush()
    await second
    assert sender.content() == b"12", "a cancelled write is sent all the same"


@pytest.mark.parametrize("early", [True, False])
async def test_a_lost_session_is_a_stream_error(early: bool) -> None:
    sender = RecordingSender()
    sender.closed = early
    sender.error = ValueError("no key")
    with pytest.raises(StreamError, match="closed" if early else "no key"):
        await byte_writer(sender).write(b"x")
