"""Arguments of the wrong type, in all methods of the local participant that send."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from livekit.testing import RoomEnvironment
from tests.support.mailbox import Streams

METHODS: dict[str, tuple[object, ...]] = {
    "publish_data": (b"data",),
    "send_chat_message": ("text",),
    "send_text": ("text",),
    "stream_text": (),
    "send_bytes": (b"data",),
    "stream_bytes": ("name",),
    "send_file": (__file__,),
}
OPTIONS: dict[str, tuple[object, ...]] = {
    "destination_identities": ("bob", b"bob", 5, [1], ["bob", None], [b"bob"]),
    "topic": (None, b"t", 5, ["t"]),
    "attributes": (b"x", 5, [1], {"k": 1}, {"k": b"v"}, {1: "v"}),
    "stream_id": (b"x", 5, ["x"]),
    "reply_to_id": (b"x", 5, ["x"]),
    "sender_identity": (b"x", 5, ["x"]),
    "mime_type": (b"x", 5, ["x"]),
    "name": (b"x", 5, ["x"]),
}
APPLICABLE = {
    "publish_data": ("destination_identities", "topic"),
    "send_chat_message": ("destination_identities",),
    "send_text": ("destination_identities", "topic", "attributes", "reply_to_id"),
    "stream_text": ("destination_identities", "topic", "attributes", "stream_id", "reply_to_id", "sender_identity"),
    "send_bytes": ("destination_identities", "topic", "attributes", "stream_id", "mime_type", "name"),
    "stream_bytes": ("destination_identities", "topic", "attributes", "stream_id", "mime_type"),
    "send_file": ("destination_identities", "topic", "attributes", "stream_id"),
}


@pytest.mark.parametrize("method", METHODS)
async def test_options_of_the_wrong_type(environment: RoomEnvironment, method: str) -> None:
    send: Any = getattr((await environment.join("alice")).local_participant, method)
    for option in APPLICABLE[method]:
        for value in OPTIONS[option]:
            with pytest.raises(TypeError, match=option):
                await send(*METHODS[method], **{option: value})


@pytest.mark.parametrize(
    ("method", "name", "values"),
    [
        ("publish_data", "payload", (None, 5, [1])),
        ("send_chat_message", "message", (None, b"x", 5)),
        ("send_text", "text", (None, b"x", 5, ["x"])),
        ("send_bytes", "data", (None, "x", 5, [1])),
        ("stream_bytes", "name", (b"x", 5, ["x"])),
        ("send_file", "str", (None, 5, ["x"])),
        ("set_metadata", "metadata", (None, b"x", 5, ["x"])),
        ("set_name", "name", (None, b"x", 5, ["x"])),
        ("set_attributes", "attributes", (None, b"x", 5, [1], {"k": 1}, {"k": None}, {1: "v"})),
    ],
)
async def test_content_of_the_wrong_type(
    environment: RoomEnvironment, method: str, name: str, values: tuple[object, ...]
) -> None:
    room = await environment.join("alice", can_update_own_metadata=True)
    send: Any = getattr(room.local_participant, method)
    for value in values:
        with pytest.raises(TypeError, match=name):
            await send(value)


async def test_writers_stay_usable_after_content_of_the_wrong_type(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "t")
    local: Any = alice.local_participant
    texts, content = await local.stream_text(topic="t"), await local.stream_bytes("n", topic="t")
    wrong: tuple[object, ...] = (5, None, [1], {})
    for value in wrong:
        for writer in (texts, content):
            with pytest.raises(TypeError, match="^(text|data) must be "):
                await writer.write(value)
    with pytest.raises(TypeError, match="^text must be a str, not bytes$"):
        await texts.write(b"x")
    with pytest.raises(TypeError, match="^data must be bytes-like, not str$"):
        await content.write("x")
    for writer in (texts, content):
        with pytest.raises(TypeError, match="^reason must be a str"):
            await writer.aclose(reason=5)
        with pytest.raises(TypeError, match="attributes"):
            await writer.aclose(attributes={"k": 1})
    await texts.write("whole")
    await content.write(b"whole")
    await texts.aclose()
    await content.aclose()
    assert (await streams.texts.get()).text == "whole"
    assert (await streams.bytes.get()).content == b"whole"


@pytest.mark.parametrize(
    "data", [bytearray(b"abcd"), memoryview(b"a_b_c_d_")[::2], array("H", b"abcd"), array("I", b"abcd")]
)
async def test_bytes_like_content(environment: RoomEnvironment, data: Any) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "t")
    info = await alice.local_participant.send_bytes(data, topic="t")
    assert info.size == 4
    assert (await streams.bytes.get()).content == b"abcd"
    writer = await alice.local_participant.stream_bytes("n", topic="t", total_size=4)
    await writer.write(data)
    await writer.aclose()
    stream = await streams.bytes.get()
    assert (stream.content, stream.error) == (b"abcd", None)
