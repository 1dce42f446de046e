from __future__ import annotations

from livekit.protocol import models
from livekit.streams.info import ByteStreamInfo, StreamError, TextStreamInfo, byte_info, text_info

Header = models.DataStream.Header


def test_text_info_has_the_fields_of_the_header() -> None:
    header = Header(
        stream_id="id",
        mime_type="text/plain",
        topic="t",
        timestamp=5,
        total_length=7,
        attributes={"a": "1"},
        text_header=models.DataStream.TextHeader(attached_stream_ids=["x", "y"]),
    )
    assert text_info(header) == TextStreamInfo("id", "text/plain", "t", 5, 7, {"a": "1"}, ["x", "y"])


def test_byte_info_has_the_fields_of_the_header() -> None:
    header = Header(
        stream_id="id",
        mime_type="image/png",
        topic="t",
        timestamp=5,
        byte_header=models.DataStream.ByteHeader(name="n"),
    )
    assert byte_info(header) == ByteStreamInfo("id", "image/png", "t", 5, 0, {}, "n")


def test_info_does_not_share_the_attributes_of_the_header() -> None:
    header = Header(attributes={"a": "1"})
    info = text_info(header)
    assert info.attributes is not None
    info.attributes["b"] = "2"
    assert dict(header.attributes) == {"a": "1"}


def test_stream_error_is_a_connection_error_with_a_description() -> None:
    error = StreamError("aborted")
    assert isinstance(error, ConnectionError)
    assert (error.description, str(error)) == ("aborted", "aborted")
