"""`livekit listen`, run as a program, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest

from livekit import Room, RpcError
from livekit.backend import Backend
from livekit.cli import ExitCode
from livekit.cli.listen_events import MAX_SHOWN, MAX_TEXT, Fields, format_line
from tests.support.processes import LIVEKIT, read_until, running
from tests.support.rooms import Join, listed

from .conftest import Run, Server, settings_of

WAIT = 20.0


class Listening(Protocol):
    async def __call__(self, *argv: str) -> Process: ...


@pytest.fixture
async def listening(server: Server, room_name: str) -> AsyncIterator[Listening]:
    """Return a function that starts the command and waits until it has joined as `ear`: `await listening("--json")`."""
    async with AsyncExitStack() as processes:

        async def listening(*argv: str) -> Process:
            command = (*LIVEKIT, "listen", "--room", room_name, "--identity", "ear", *argv)
            process = await processes.enter_async_context(running(*command, **settings_of(server)))
            await asyncio.wait_for(read_until(process, "connected"), WAIT)
            return process

        yield listening


async def next_event(process: Process, event: str) -> dict[str, Any]:
    line = await asyncio.wait_for(read_until(process, f'"event": "{event}"'), WAIT)
    entry: dict[str, Any] = json.loads(line.splitlines()[-1])
    assert set(entry) >= {"time", "event"}
    return entry


async def stopped(process: Process, number: signal.Signals = signal.SIGINT) -> tuple[int | None, str, str]:
    process.send_signal(number)
    out, err = await asyncio.wait_for(process.communicate(), WAIT)
    return process.returncode, out.decode(), err.decode()


async def call(room: Room, method: str, payload: str = "") -> str:
    return await room.local_participant.perform_rpc(destination_identity="ear", method=method, payload=payload)


async def test_events_are_json_lines_with_json(
    listening: Listening, join: Join, server: Server, room_name: str
) -> None:
    ear = await listening("--json", "--method", "greet=hello", "--method", "echo", "--topic", "mine")
    bob = await join("bob", name="Bob", can_update_own_metadata=True)
    joined = await next_event(ear, "participant_connected")
    assert (joined["identity"], joined["name"]) == ("bob", "Bob")
    await listed(bob, "ear")

    await bob.local_participant.publish_data(b"text", topic="t")
    sent = await next_event(ear, "data_received")
    assert (sent["from"], sent["topic"], sent["reliable"], sent["payload"]) == ("bob", "t", True, "text")
    await bob.local_participant.publish_data(b"\xff\x00")
    assert (await next_event(ear, "data_received"))["payload_base64"] == "/wA="
    await bob.local_participant.send_text("ignored", topic="else")
    await bob.local_participant.send_text("é" * 5_000, topic="lk.chat")
    text = await next_event(ear, "text_received")
    assert (text["from"], text["topic"], text["text"]) == ("bob", "lk.chat", "é" * 5_000)
    await bob.local_participant.send_text("x" * (MAX_TEXT + 1), topic="mine")
    assert (await next_event(ear, "text_received"))["error"].startswith("more than")

    assert await call(bob, "greet", "x") == "hello"
    responded = await next_event(ear, "call")
    assert (responded["from"], responded["method"], responded["payload"], responded["answer"]) == (
        "bob",
        "greet",
        "x",
        "hello",
    )
    assert await call(bob, "echo", "y") == "y"
    await next_event(ear, "call")
    with pytest.raises(RpcError, match="not supported"):
        await call(bob, "nothing")
    refused = await next_event(ear, "call")
    assert (refused["method"], refused["code"]) == ("nothing", 1400)
    backend = Backend(server.url, server.api_key, server.api_secret)
    assert await backend.perform_rpc(room=room_name, destination_identity="ear", method="echo", payload="z") == "z"
    assert (await next_event(ear, "call"))["from"] is None

    await bob.local_participant.set_metadata("new")
    assert (await next_event(ear, "participant_metadata_changed"))["metadata"] == "new"
    await bob.local_participant.set_attributes({"a": "1"})
    assert (await next_event(ear, "participant_attributes_changed"))["changed"] == {"a": "1"}
    await bob.disconnect()
    left = await next_event(ear, "participant_disconnected")
    assert (left["identity"], left["reason"]) == ("bob", "CLIENT_INITIATED")
    assert await stopped(ear) == (ExitCode.DONE, "", "")


async def test_text_output_escapes_control_characters(listening: Listening, join: Join) -> None:
    ear = await listening()
    bob = await join("bob")
    await asyncio.wait_for(read_until(ear, "identity=bob"), WAIT)
    await bob.local_participant.publish_data("\x1b[31mred", topic="t")
    line = (await asyncio.wait_for(read_until(ear, "data_received"), WAIT)).splitlines()[-1]
    assert line.endswith(r"from=bob  topic=t  reliable=true  payload=\x1b[31mred")
    assert await stopped(ear, signal.SIGTERM) == (ExitCode.DONE, "", "")


async def test_deleted_room_ends_the_command(listening: Listening, run: Run, room_name: str) -> None:
    ear = await listening("--json")
    await run("room", "delete", room_name)
    assert (await next_event(ear, "disconnected"))["reason"] == "ROOM_DELETED"
    _, err = await asyncio.wait_for(ear.communicate(), WAIT)
    assert (ear.returncode, err) == (ExitCode.FAILED, b"livekit: disconnected: ROOM_DELETED\n")


async def test_broken_pipe_ends_the_command(listening: Listening, join: Join) -> None:
    ear = await listening()
    assert ear.stdout is not None
    ear.stdout._transport.close()  # type: ignore[attr-defined]
    await join("bob")
    assert ear.stderr is not None
    err = await asyncio.wait_for(ear.stderr.read(), WAIT)
    assert (await ear.wait(), err) == (ExitCode.BROKEN_PIPE, b"")


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"LIVEKIT_API_SECRET": "not the secret of this server"}, ExitCode.REFUSED, "LIVEKIT_API_SECRET"),
        ({"LIVEKIT_URL": "ws://127.0.0.1:1"}, ExitCode.UNREACHABLE, "`livekit dev`"),
    ],
)
async def test_failed_join_is_reported_in_one_line(
    server: Server, settings: dict[str, str], code: ExitCode, message: str
) -> None:
    command = (*LIVEKIT, "listen", "--room", "r")
    async with running(*command, **{**settings_of(server), **settings}) as process:
        out, err = await asyncio.wait_for(process.communicate(), WAIT)
    assert (process.returncode, out) == (code, b"")
    assert message in err.decode()
    assert len(err.splitlines()) == 1


def test_long_and_multi_line_values_are_formatted() -> None:
    entry: Fields = {
        "time": "2026-01-02T03:04:05.678Z",
        "event": "call",
        "from": None,
        "answer": "",
        "payload": "x" * 1000,
    }
    assert format_line(entry) == f"03:04:05.678  call  payload={'x' * MAX_SHOWN}…"
    assert format_line({**entry, "payload": "", "changed": {"é": True}}).endswith('  call  changed={"é": true}')


async def test_interrupt_while_connecting(room_name: str) -> None:
    """The server accepts the connection and does not respond."""
    accepted = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        async with running(*LIVEKIT, "listen", "--room", room_name, "--url", f"ws://127.0.0.1:{port}") as process:
            await asyncio.wait_for(accepted.wait(), WAIT)
            assert await stopped(process) == (ExitCode.INTERRUPTED, "", "")
