from __future__ import annotations

import asyncio
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.streams.aio.reader import ByteStreamReader, TextStreamReader, UnreadBudget
from livekit.streams.info import ByteStreamInfo, StreamError, TextStreamInfo
from livekit.streams.reassembly import StreamAbortedError


def text_reader(unread: UnreadBudget | None = None) -> TextStreamReader:
    info = TextStreamInfo("id", "text/plain", "t", 0, 0, {"a": "1"}, [])
    return TextStreamReader(info, None, unread or UnreadBudget())


def byte_reader(unread: UnreadBudget | None = None) -> ByteStreamReader:
    return ByteStreamReader(ByteStreamInfo("id", "x/y", "t", 0, 0, {}, "name"), None, unread or UnreadBudget())


@given(st.text(), st.lists(st.integers(0, 40)))
def test_text_is_decoded_across_any_split(text: str, cuts: list[int]) -> None:
    async def read() -> None:
        reader = text_reader()
        content = text.encode()
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(content)], strict=True):
            reader.received(content[start:end])
        reader.finished({})
        assert await reader.read_all() == text

    asyncio.run(read())


@pytest.mark.parametrize("content", [b"\xff", b"ok \xe6\xbc"])
async def test_text_that_is_not_utf8(content: bytes) -> None:
    reader = text_reader()
    reader.received(content)
    reader.finished({})
    with pytest.raises(StreamError, match="UTF-8"):
        await reader.read_all()
    with pytest.raises(StreamError, match="UTF-8"):
        await reader.__anext__()


async def test_content_is_read_as_received_and_attributes_at_the_end() -> None:
    reader = text_reader()
    waiting = asyncio.ensure_future(reader.__anext__())
    await asyncio.sleep(0)
    reader.received(b"one")
    assert await waiting == "one"
    reader.received(b"two")
    reader.finished({"b": "2"})
    assert [piece async for piece in reader] == ["two"]
    assert reader.info.attributes == {"a": "1", "b": "2"}
    with pytest.raises(StopAsyncIteration):
        await reader.__anext__()


async def test_content_before_a_failure_is_read_first() -> None:
    reader = byte_reader()
    reader.received(b"part")
    reader.failed(StreamAbortedError("no more"))
    assert await reader.__anext__() == b"part"
    for _ in range(2):
        with pytest.raises(StreamError) as caught:
            await reader.__anext__()
        assert caught.value.description == "no more"
        assert isinstance(caught.value, ConnectionError)


async def test_the_reader_with_the_most_unread_bytes_fails_over_the_limit() -> None:
    unread = UnreadBudget(limit=1_000)
    small, large = byte_reader(unread), byte_reader(unread)
    small.received(bytes(300))
    large.received(bytes(700))
    small.received(bytes(100))
    assert (small.unread, large.unread) == (400, 0)
    with pytest.raises(StreamError, match="700 bytes arrived and were not read"):
        await large.__anext__()
    large.received(bytes(5_000))
    assert large.unread == 0
    small.finished({})
    assert len(await small.read_all()) == 400


async def test_read_content_does_not_count() -> None:
    reader = byte_reader(UnreadBudget(limit=1_000))
    for _ in range(50):
        reader.received(bytes(500))
        await reader.__anext__()
    reader.finished({})
    assert await reader.read_all() == b""


async def test_garbage_collected_readers_do_not_count() -> None:
    unread = UnreadBudget(limit=1_000)
    dropped = byte_reader(unread)
    dropped.received(bytes(900))
    del dropped
    gc.collect()
    reader = byte_reader(unread)
    reader.received(bytes(900))
    reader.received(bytes(100))
    assert reader.unread == 1_000


async def test_closing_discards_content() -> None:
    reader = byte_reader()
    reader.received(b"x")
    reader.close()
    reader.received(b"y")
    reader.finished({})
    reader.close()
    assert reader.unread == 0
    assert await reader.read_all() == b""
    finished = byte_reader()
    finished.received(b"x")
    finished.finished({})
    finished.close()
    assert await finished.read_all() == b"x", "closing does nothing at a stream's end"


async def test_aclose_ends_the_iteration() -> None:
    reader = byte_reader()
    reader.received(b"x")
    await reader.aclose()
    assert [piece async for piece in reader] == []
