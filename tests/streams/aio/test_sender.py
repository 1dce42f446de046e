"""Streams from one application to another, through a server."""

from __future__ import annotations

import asyncio
import string
import time
from pathlib import Path
from random import Random

import pytest

from livekit import ByteStreamReader, DataStreamOptions, Room, RoomOptions, StreamError, TextStreamReader
from livekit.e2ee import E2EEOptions, KeyProviderOptions
from livekit.streams.aio.reader import MAX_UNREAD
from livekit.testing import RoomEnvironment
from tests.support.mailbox import TIMEOUT, Mailbox, Streams

SIZES = [0, 1, 14_000, 15_000, 15_001, 100_000, 1_000_000]


def noise(size: int) -> bytes:
    return Random(size).randbytes(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("character", ["a", "🎈"])
async def test_texts_of_all_sizes(environment: RoomEnvironment, size: int, character: str) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "t")
    text = character * (size // len(character.encode()))
    info = await alice.local_participant.send_text(text, topic="t", attributes={"key": "value"}, reply_to_id="other")
    stream = await streams.texts.get()
    assert stream.text == text
    assert stream.error is None
    assert stream.sender == "alice"
    assert stream.reader.info == info
    assert (info.size, info.topic, info.mime_type, info.attributes) == (
        len(text.encode()),
        "t",
        "text/plain",
        {"key": "value"},
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("compress", [True, False])
async def test_bytes_of_all_sizes(environment: RoomEnvironment, size: int, compress: bool) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "b")
    for content in (noise(size), bytes(size)):
        info = await alice.local_participant.send_bytes(
            content, topic="b", name="n", mime_type="image/png", stream_id="id", compress=compress
        )
        stream = await streams.bytes.get()
        assert stream.content == content
        assert stream.reader.info == info
        assert (info.stream_id, info.name, info.mime_type, info.size) == ("id", "n", "image/png", size)


async def test_defaults_of_send_bytes(environment: RoomEnvironment) -> None:
    alice, _ = await environment.pair()
    info = await alice.local_participant.send_bytes(b"x")
    assert (info.name, info.mime_type, info.topic) == ("unknown", "application/octet-stream", "")
    assert abs(info.timestamp / 1000 - time.time()) < 60


async def test_sending_without_a_connection_is_a_stream_error(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    participant = alice.local_participant
    await alice.disconnect()
    for sending in (participant.send_text("x"), participant.stream_bytes("n")):
        with pytest.raises(StreamError, match="not connected"):
            await sending


async def test_a_text_written_incrementally(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "t")
    writer = await alice.local_participant.stream_text(topic="t", attributes={"a": "1"}, total_size=99)
    reader = await streams.opened.get()
    assert reader.info.attributes == {"a": "1"}
    pieces = ["one ", "", "zwölf ", "🎈" * 10_000]
    for piece in pieces:
        await writer.write(piece)
    await writer.aclose(attributes={"z": "26"})
    stream = await streams.texts.get()
    assert stream.text == "".join(pieces)
    assert stream.reader.info.attributes == {"a": "1", "z": "26"}
    assert writer.info.size == 99
    with pytest.raises(RuntimeError, match="closed"):
        await writer.write("late")
    with pytest.raises(RuntimeError, match="closed"):
        await writer.aclose()


async def test_a_stream_closed_with_a_reason_fails_after_its_content(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "b")
    writer = await alice.local_participant.stream_bytes("name", topic="b")
    await writer.write(b"part")
    await writer.aclose(reason="out of paper")
    stream = await streams.bytes.get()
    assert stream.content == b"part"
    assert stream.error is not None
    assert stream.error.description == "out of paper"


async def test_an_exception_in_a_writers_context_aborts_the_stream(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "b")
    with pytest.raises(KeyError):
        async with await alice.local_participant.stream_bytes("name", topic="b"):
            raise KeyError("x")
    stream = await streams.bytes.get()
    assert str(stream.error) == "KeyError"


async def test_less_than_announced_is_an_error(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "b")
    writer = await alice.local_participant.stream_bytes("name", total_size=10, topic="b")
    await writer.write(b"12345")
    await writer.aclose()
    stream = await streams.bytes.get()
    assert stream.reader.info.size == 10
    assert "received 5 of 10 bytes" in str(stream.error)


@pytest.mark.parametrize("content", [b"", b"a line\n" * 200_000, noise(3_000_000)])
async def test_a_file_and_its_progress(environment: RoomEnvironment, content: bytes, tmp_path: Path) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "f")
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    progress: list[tuple[int, int]] = []
    info = await alice.local_participant.send_file(
        str(path), topic="f", on_progress=lambda done, size: progress.append((done, size))
    )
    stream = await streams.bytes.get()
    assert stream.error is None
    assert stream.content == content
    assert stream.reader.info == info
    assert (info.name, info.mime_type, info.size) == ("notes.txt", "text/plain", len(content))
    assert progress == sorted(progress)
    assert not content or progress[-1] == (len(content), len(content))


async def test_a_missing_file(environment: RoomEnvironment, tmp_path: Path) -> None:
    alice = await environment.join("alice")
    with pytest.raises(FileNotFoundError):
        await alice.local_participant.send_file(tmp_path / "nothing")


async def test_many_streams_at_once(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "t")
    texts = {f"{number}:" + random_text(30_000, number) for number in range(64)}

    async def write(text: str) -> None:
        async with await alice.local_participant.stream_text(topic="t") as writer:
            for start in range(0, len(text), 7_000):
                await writer.write(text[start : start + 7_000])

    await asyncio.gather(*map(write, texts))
    assert {(await streams.texts.get()).text for _ in texts} == texts


def random_text(size: int, seed: int) -> str:
    return "".join(Random(seed).choices(string.ascii_letters, k=size))


async def test_a_long_stream_does_not_block_other_packets(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    order: Mailbox[str] = Mailbox()
    streams = Streams(bob, "b")
    bob.on("data_received", lambda packet: order.put("data"))
    bob.local_participant.register_rpc_method("echo", lambda data: data.payload)
    sending = asyncio.create_task(alice.local_participant.send_bytes(noise(2_000_000), topic="b"))
    await streams.opened.get()
    await alice.local_participant.publish_data(b"x")
    await alice.local_participant.perform_rpc(destination_identity="bob", method="echo", payload="x")
    assert await order.get() == "data"
    assert streams.bytes.is_empty
    await sending
    assert len((await streams.bytes.get()).content) == 2_000_000


async def test_the_sender_leaves_during_a_stream(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "t")
    writer = await alice.local_participant.stream_text(topic="t")
    await writer.write("to be cont")
    await streams.opened.get()
    await alice.disconnect()
    stream = await streams.texts.get()
    assert stream.text == "to be cont"
    assert stream.error is not None
    with pytest.raises(StreamError):
        await writer.write("inued")


async def test_sent_content_arrives_although_the_sender_leaves(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "b")
    await alice.local_participant.send_bytes(noise(300_000), topic="b")
    await alice.disconnect()
    stream = await streams.bytes.get()
    assert stream.error is None
    assert stream.content == noise(300_000)


async def test_the_receiver_leaves_during_a_stream(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "t")
    writer = await alice.local_participant.stream_text(topic="t")
    await writer.write("to be")
    await streams.opened.get()
    await bob.disconnect()
    assert (await streams.texts.get()).error is not None


async def test_streams_without_a_handler_and_of_calls_are_not_delivered(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "lk.rpc_request")
    streams = Streams(bob, "t")
    bob.local_participant.register_rpc_method("echo", lambda data: data.payload)
    await alice.local_participant.send_text("nobody reads this", topic="other")
    payload = random_text(50_000, 0)
    answer = await alice.local_participant.perform_rpc(destination_identity="bob", method="echo", payload=payload)
    assert answer == payload
    await alice.local_participant.send_text("read", topic="t")
    assert (await streams.texts.get()).text == "read"
    assert streams.texts.is_empty


async def test_too_long_for_the_receiver(environment: RoomEnvironment) -> None:
    options = RoomOptions(data_stream=DataStreamOptions(max_payload_byte_length=10_000))
    alice, bob = await environment.join("alice"), await environment.join("bob", options=options)
    await environment.wait_for(alice, "bob")
    await environment.wait_for(bob, "alice")
    streams = Streams(bob, "b")
    await alice.local_participant.send_bytes(bytes(10_000), topic="b")
    assert (await streams.bytes.get()).error is None
    await alice.local_participant.send_bytes(bytes(10_001), topic="b")
    assert (await streams.bytes.get()).error is not None
    writer = await alice.local_participant.stream_bytes("n", topic="b")
    await writer.write(bytes(10_001))
    assert (await streams.bytes.get()).error is not None


async def test_an_idle_reader_costs_bounded_memory(
    environment: RoomEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await environment.pair()
    idle: Mailbox[ByteStreamReader] = Mailbox()
    bob.register_byte_stream_handler("idle", lambda reader, sender: idle.put(reader))
    streams = Streams(bob, "read")
    writer = await alice.local_participant.stream_bytes("n", topic="idle")
    reader = await idle.get()
    chunk = bytes(1_000_000)
    for _ in range(MAX_UNREAD // len(chunk) + 2):
        await writer.write(chunk)
    await alice.local_participant.send_bytes(b"still there", topic="read")
    assert (await streams.bytes.get()).content == b"still there"
    assert reader.unread == 0
    with pytest.raises(StreamError, match="not read"):
        await asyncio.wait_for(reader.__anext__(), TIMEOUT)
    await writer.aclose()


async def test_a_closed_reader_buffers_nothing(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    opened: Mailbox[TextStreamReader] = Mailbox()
    bob.register_text_stream_handler("t", lambda reader, sender: opened.put(reader))
    writer = await alice.local_participant.stream_text(topic="t")
    reader = await opened.get()
    waiting = asyncio.ensure_future(reader.__anext__())
    await asyncio.sleep(0)
    await reader.aclose()
    with pytest.raises(StopAsyncIteration):
        await waiting
    await writer.write("x" * 100_000)
    await writer.aclose()
    assert await reader.read_all() == ""


async def test_back_pressure_while_reconnecting(environment: RoomEnvironment) -> None:
    """Without a connection a write waits, and nothing is queued behind it."""
    alice, bob = await environment.pair()
    streams = Streams(bob, "b")
    writer = await alice.local_participant.stream_bytes("n", topic="b")
    written = 0
    content = noise(100_000)

    async def write() -> None:
        nonlocal written
        for start in range(0, len(content), 10_000):
            await writer.write(content[start : start + 10_000])
            written += 1
        await writer.aclose()

    await asyncio.gather(write(), alice.simulate_scenario(7))  # type: ignore[arg-type]  # a plain int is one too
    stream = await streams.bytes.get()
    assert (stream.content, written) == (content, 10)


async def test_a_cancelled_write_is_still_sent(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    streams = Streams(bob, "b")
    writer = await alice.local_participant.stream_bytes("n", topic="b")
    writing = asyncio.create_task(writer.write(noise(500_000)))
    await streams.opened.get()
    writing.cancel()
    await asyncio.wait({writing})
    await writer.write(b"end")
    await writer.aclose()
    assert (await streams.bytes.get()).content == noise(500_000) + b"end"


async def test_attributes_that_do_not_fit(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    with pytest.raises(StreamError, match="does not fit"):
        await alice.local_participant.send_text("x", attributes={"a": "x" * 15_000})
    with pytest.raises(StreamError, match="does not fit"):
        await alice.local_participant.stream_text(attributes={"a": "x" * 15_000})


async def test_encrypted_streams(environment: RoomEnvironment) -> None:
    def options() -> RoomOptions:
        return RoomOptions(encryption=E2EEOptions(KeyProviderOptions(shared_key=b"key")))

    alice, bob = await environment.join("alice", options=options()), await environment.join("bob", options=options())
    plain = await environment.join("plain")
    for room in (alice, plain):
        await environment.wait_for(room, "bob")
    await environment.wait_for(bob, "alice")
    streams = Streams(bob, "t")
    await plain.local_participant.send_text("in plain", topic="t")
    for text in ("short", random_text(100_000, 1)):
        info = await alice.local_participant.send_text(text, topic="t")
        stream = await streams.texts.get()
        assert (stream.sender, stream.text, stream.reader.info) == ("alice", text, info)
    async with await alice.local_participant.stream_text(topic="t") as writer:
        await writer.write("one ")
        await writer.write("two")
    assert (await streams.texts.get()).text == "one two"
    content = await alice.local_participant.send_bytes(noise(50_000), topic="t")
    received = await streams.bytes.get()
    assert (received.content, received.reader.info) == (noise(50_000), content)


async def test_a_stream_without_a_key_fails(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice", options=RoomOptions(encryption=E2EEOptions()))
    with pytest.raises(StreamError, match="no encryption key"):
        await alice.local_participant.send_text("x" * 100_000)
    with pytest.raises(StreamError, match="no encryption key"):
        await alice.local_participant.stream_text()


async def test_an_agent_sends_for_another_participant(environment: RoomEnvironment) -> None:
    agent, bob = await environment.join("agent", kind="agent"), await environment.join("bob")
    await environment.wait_for(bob, "agent")
    streams = Streams(bob, "t")
    async with await agent.local_participant.stream_text(topic="t", sender_identity="bob") as writer:
        await writer.write("bob says ")
        await writer.write("hi")
    stream = await streams.texts.get()
    assert (stream.sender, stream.text) == ("bob", "bob says hi")


def test_one_handler_per_topic_and_no_coroutine_functions() -> None:
    room = Room()

    async def read(reader: TextStreamReader, sender: str) -> None:
        return None

    with pytest.raises(ValueError, match="coroutine"):
        room.register_text_stream_handler("t", read)  # type: ignore[arg-type]  # what must be refused
    room.register_text_stream_handler("t", lambda reader, sender: None)
    room.register_byte_stream_handler("t", lambda reader, sender: None)
    with pytest.raises(ValueError, match="already set"):
        room.register_text_stream_handler("t", lambda reader, sender: None)
    with pytest.raises(ValueError, match="already set"):
        room.register_byte_stream_handler("t", lambda reader, sender: None)
    room.unregister_text_stream_handler("t")
    room.unregister_byte_stream_handler("t")
    room.unregister_byte_stream_handler("never")
    room.register_text_stream_handler("t", lambda reader, sender: None)


async def test_a_handler_that_raises(environment: RoomEnvironment, caplog: pytest.LogCaptureFixture) -> None:
    alice, bob = await environment.pair()

    def fail(reader: TextStreamReader, sender: str) -> None:
        raise KeyError("of the handler")

    bob.register_text_stream_handler("bad", fail)
    streams = Streams(bob, "good")
    await alice.local_participant.send_text("x", topic="bad")
    await alice.local_participant.send_text("y", topic="good")
    assert (await streams.texts.get()).text == "y"
    assert "the handler of streams of topic 'bad' failed" in caplog.text
