"""`livekit send`, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import json

import pytest

from livekit import DataPacket, Room, TextStreamReader
from livekit.cli import ExitCode
from tests.support.rooms import Join

from .conftest import Run

PATIENCE = 30.0


async def test_data_is_sent_by_the_server(run: Run, join: Join, room_name: str) -> None:
    alice: Room = await join("alice")
    bob: Room = await join("bob")
    received: asyncio.Queue[DataPacket] = asyncio.Queue()
    alice.on("data_received", received.put_nowait)
    bob.on("data_received", received.put_nowait)
    done = await run("send", "--room", room_name, "--topic", "temperature", "20.5 °C")
    assert done.out == f"Sent 8 bytes to 2 participants in {room_name!r}.\n"
    for _ in range(2):
        packet = await asyncio.wait_for(received.get(), PATIENCE)
        assert (packet.data.decode(), packet.topic, packet.participant) == ("20.5 °C", "temperature", None)
    done = await run("send", "--room", room_name, "--to", "bob", "--json", "-", stdin=b"\xff\x00")
    assert json.loads(done.out) == {"room": room_name, "kind": "data", "bytes": 2, "receivers": ["bob"]}
    assert (await asyncio.wait_for(received.get(), PATIENCE)).data == b"\xff\x00"


@pytest.mark.parametrize(("kind", "topic"), [("text", "news"), ("chat", "lk.chat")])
async def test_text_is_sent_by_a_participant(run: Run, join: Join, room_name: str, kind: str, topic: str) -> None:
    alice: Room = await join("alice")
    received: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    reading: list[asyncio.Task[None]] = []

    async def read(reader: TextStreamReader, sender: str) -> None:
        received.put_nowait((sender, await reader.read_all()))

    def start_reading(reader: TextStreamReader, sender: str) -> None:
        reading.append(asyncio.ensure_future(read(reader, sender)))

    alice.register_text_stream_handler(topic, start_reading)
    options = ["--to", "alice", "--kind", kind, "--identity", "me", *(["--topic", topic] if kind == "text" else [])]
    sent = "é" * 60_000
    done = await run("send", "--room", room_name, *options, "-", stdin=sent.encode())
    assert done.out == f"Sent 120000 bytes to 'alice' in {room_name!r}.\n"
    assert await asyncio.wait_for(received.get(), PATIENCE) == ("me", sent)
    await asyncio.gather(*reading)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kind", "chat", "--lossy", "x"], "--lossy applies to --kind data only"),
        (["--kind", "chat", "--topic", "t", "x"], "--topic does not apply to --kind chat"),
        (["--identity", "me", "x"], "--identity applies to --kind text and chat only"),
    ],
)
async def test_options_that_do_not_apply(run: Run, arguments: list[str], message: str) -> None:
    done = await run("send", "--room", "r", *arguments)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert done.err.startswith(f"livekit: {message}")


async def test_text_that_is_not_utf8(run: Run, join: Join, room_name: str) -> None:
    await join("alice")
    done = await run("send", "--room", room_name, "--kind", "text", "-", stdin=b"\xff")
    assert done.code == ExitCode.USAGE
    assert "not UTF-8" in done.err


async def test_missing_receiver_and_room(run: Run, join: Join, room_name: str) -> None:
    await join("alice")
    done = await run("send", "--room", room_name, "--to", "carol", "x")
    assert done.code == ExitCode.NOT_FOUND
    assert done.err == f"livekit: no participant 'carol' in room {room_name!r}, which has 'alice'\n"
    assert (await run("send", "--room", "nowhere", "x")).code == ExitCode.NOT_FOUND
