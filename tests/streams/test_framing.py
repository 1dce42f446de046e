from __future__ import annotations

import uuid
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.streams.framing import CHUNK_SIZE, HeaderTooLargeError, StreamFramer, stream_header, text_stream

_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


def write(text: str, **options: Any) -> list[models.DataPacket]:
    fields: dict[str, Any] = {"topic": "topic", "destinations": ["bob"], "attributes": {"key": "value"}}
    arguments: dict[str, Any] = {**fields, "timestamp_ms": 0, **options}
    packets = text_stream(text, **arguments)
    return [packets] if isinstance(packets, models.DataPacket) else list(packets)


def content(packets: list[models.DataPacket]) -> bytes:
    body = packets[0].stream_header.inline_content + b"".join(packet.stream_chunk.content for packet in packets)
    return zlib.decompress(body, -15) if packets[0].stream_header.compression == _DEFLATE_RAW else body


def test_header_fields() -> None:
    (packet,) = write("tëxt", inline=True, stream_id="stream", timestamp_ms=1_700_000_000_000)
    header = packet.stream_header
    assert list(packet.destination_identities) == ["bob"]
    assert (header.stream_id, header.topic, header.mime_type, header.total_length) == (
        "stream",
        "topic",
        "text/plain",
        5,
    )
    assert dict(header.attributes) == {"key": "value"}
    assert header.HasField("text_header")
    assert header.inline_content.decode() == "tëxt"
    assert header.timestamp == 1_700_000_000_000


def test_each_stream_has_a_unique_id() -> None:
    ids = {write("")[0].stream_header.stream_id for _ in range(10)}
    assert len({uuid.UUID(stream_id) for stream_id in ids}) == 10


@pytest.mark.parametrize("text", ["", "x"])
def test_an_empty_inline_stream_has_the_content_field(text: str) -> None:
    (packet,) = write(text, inline=True)
    assert packet.stream_header.HasField("inline_content")


def test_chunks() -> None:
    packets = write("x" * (2 * CHUNK_SIZE + 1), stream_id="stream")
    header, *chunks, trailer = packets
    assert not header.stream_header.HasField("inline_content")
    assert [chunk.stream_chunk.chunk_index for chunk in chunks] == [0, 1, 2]
    assert [len(chunk.stream_chunk.content) for chunk in chunks] == [CHUNK_SIZE, CHUNK_SIZE, 1]
    assert {chunk.stream_chunk.stream_id for chunk in chunks} == {"stream"}
    assert (trailer.stream_trailer.stream_id, trailer.stream_trailer.reason) == ("stream", "")
    assert all(list(packet.destination_identities) == ["bob"] for packet in packets)


def test_an_empty_chunked_text_is_header_and_trailer() -> None:
    assert [packet.WhichOneof("value") for packet in write("")] == ["stream_header", "stream_trailer"]


@pytest.mark.parametrize("character", ["x", "ä", "€", "😀"])
def test_the_largest_inline_packet_is_as_large_as_a_chunk(character: str) -> None:
    width = len(character.encode())
    sizes = [len(write(character * count, inline=True)) for count in range(CHUNK_SIZE // width)]
    most = sizes.index(3) - 1
    assert set(sizes[: most + 1]) == {1}
    (packet,) = write(character * most, inline=True)
    assert CHUNK_SIZE - width < packet.ByteSize() <= CHUNK_SIZE


def test_compression_if_allowed_and_worthwhile() -> None:
    text = "some text, " * 5_000
    assert len(write(text, inline=True)) > 1
    (packet,) = write(text, inline=True, deflate=True)
    assert packet.stream_header.compression == _DEFLATE_RAW
    assert packet.stream_header.total_length == len(text)
    assert content([packet]).decode() == text
    (short,) = write("short", inline=True, deflate=True)
    assert short.stream_header.compression != _DEFLATE_RAW


def test_an_oversized_header_is_rejected_immediately() -> None:
    for inline in (True, False):
        with pytest.raises(HeaderTooLargeError, match="does not fit"):
            text_stream(
                "", topic="t", destinations=["bob"], attributes={"key": "x" * CHUNK_SIZE}, inline=inline, timestamp_ms=0
            )


@given(st.text(alphabet="xä€😀", min_size=1, max_size=50), st.integers(0, 2000), st.booleans(), st.booleans())
def test_texts_are_split_between_characters_into_small_packets(
    text: str, times: int, inline: bool, deflate: bool
) -> None:
    text *= times
    packets = write(text, inline=inline, deflate=deflate)
    assert content(packets).decode() == text
    for packet in packets:
        assert len(packet.stream_chunk.content) <= CHUNK_SIZE
        assert packet.ByteSize() <= CHUNK_SIZE + 100
        if packets[0].stream_header.compression != _DEFLATE_RAW:
            packet.stream_chunk.content.decode()


def test_a_byte_stream_on_behalf_of_another_participant() -> None:
    header = stream_header(
        topic="b",
        destinations=["carol"],
        total_length=3,
        on_behalf_of="bob",
        timestamp_ms=5,
        kind=models.DataStream.ByteHeader(name="n"),
    )
    framer = StreamFramer(header, whole_characters=False)
    packets = [header, *framer.chunks(b"\xff\xff\xff"), framer.trailer("aborted", {"a": "1"})]
    assert {packet.participant_identity for packet in packets} == {"bob"}
    assert (header.stream_header.total_length, header.stream_header.timestamp) == (3, 5)
    assert header.stream_header.byte_header.name == "n"
    assert packets[1].stream_chunk.content == b"\xff\xff\xff"
    assert (packets[-1].stream_trailer.reason, dict(packets[-1].stream_trailer.attributes)) == ("aborted", {"a": "1"})
