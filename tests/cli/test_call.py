"""`livekit call`, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import json

import pytest

from livekit import Room, RpcError, RpcInvocationData
from livekit.cli import ExitCode
from livekit.cli.call import MAX_PAYLOAD
from tests.support.rooms import Join

from .conftest import Result, Run


@pytest.fixture
async def call(run: Run, join: Join, room_name: str) -> Run:
    """Return a function that calls a method of a participant: `await call("echo", "payload")`."""
    room: Room = await join("alice")

    @room.register_rpc_method("echo")
    def echo(data: RpcInvocationData) -> str:
        return data.payload

    @room.register_rpc_method("fail")
    def fail(data: RpcInvocationData) -> str:
        raise RpcError(2001, "no\nmoney", data.payload)

    @room.register_rpc_method("sleep")
    async def sleep(data: RpcInvocationData) -> str:
        await asyncio.sleep(3600)
        return ""

    async def call(*argv: str, to: str = "alice", stdin: bytes = b"") -> Result:
        return await run("call", "--room", room_name, "--to", to, *argv, stdin=stdin)

    return call


@pytest.mark.parametrize("payload", ["hi", "", "é 😀", '{"a": [1]}', "two\nlines"])
async def test_only_the_response_is_printed(call: Run, payload: str) -> None:
    assert await call("echo", payload) == Result(ExitCode.DONE, f"{payload}\n", "")


async def test_payload_defaults_to_an_empty_text(call: Run) -> None:
    assert (await call("echo")).out == "\n"


async def test_payload_from_standard_input(call: Run) -> None:
    assert (await call("echo", "-", stdin="é\n".encode())).out == "é\n\n"


async def test_standard_input_that_is_not_utf8(call: Run) -> None:
    result = await call("echo", "-", stdin=b"ab\xff")
    assert (result.code, result.out) == (ExitCode.USAGE, "")
    assert result.err == "livekit: standard input is not UTF-8 (byte 2); encode it first, for example with base64\n"


async def test_standard_input_too_large(call: Run) -> None:
    result = await call("echo", "-", stdin=b"x" * (MAX_PAYLOAD + 1))
    assert result.code == ExitCode.USAGE
    assert f"more than {MAX_PAYLOAD} bytes" in result.err


async def test_json_prints_response_or_error_as_an_object(call: Run) -> None:
    result = await call("echo", "é", "--json")
    assert json.loads(result.out) == {"payload": "é"}
    failed = await call("fail", "data", "--json")
    assert (failed.code, failed.out) == (ExitCode.CALL_FAILED, "")
    assert json.loads(failed.err) == {"code": 2001, "message": "no\nmoney", "data": "data"}


async def test_error_of_the_handler_sets_the_exit_code(call: Run) -> None:
    result = await call("fail", '{"balance": 3}')
    assert result == Result(ExitCode.CALL_FAILED, "", 'livekit: error 2001: no\\nmoney; data: {"balance": 3}\n')


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing"], ExitCode.CALL_FAILED, "error 1400: "),
        (["sleep", "--timeout", "0.3"], ExitCode.TIMEOUT, "error 1502: "),
        (["echo", "x" * 300_000], ExitCode.CALL_FAILED, "error 1402: "),
    ],
)
async def test_failures(call: Run, arguments: list[str], code: ExitCode, message: str) -> None:
    result = await call(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"livekit: {message}")
    assert len(result.err.splitlines()) == 1


async def test_missing_participant_is_named_with_those_present(call: Run, room_name: str) -> None:
    result = await call("echo", to="carol")
    assert (result.code, result.out) == (ExitCode.NOT_FOUND, "")
    assert result.err == f"livekit: error 1401: no participant 'carol' in room {room_name!r}, which has 'alice'\n"
    result = await call("echo", "--json", to="carol")
    assert (result.code, result.out) == (ExitCode.NOT_FOUND, "")
    assert json.loads(result.err)["participants"] == ["alice"]


async def test_missing_room_is_named(run: Run) -> None:
    result = await run("call", "--room", "nowhere", "--to", "alice", "echo")
    assert result.code == ExitCode.NOT_FOUND
    assert result.err == "livekit: error 1401: no such room: 'nowhere'; `livekit room list` lists the rooms\n"
    result = await run("call", "--room", "nowhere", "--to", "alice", "echo", "--json")
    assert json.loads(result.err)["participants"] is None
