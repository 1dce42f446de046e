"""`livekit call`, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import json

import pytest

from livekit import Room, RpcError, RpcInvocationData
from livekit.cli import ExitCode
from livekit.cli.call import MAX_PAYLOAD
from tests.support.rooms import Join

from .conftest import Done, Run


@pytest.fixture
async def call(run: Run, join: Join, room_name: str) -> Run:
    """`await call("echo", "payload")` calls a method of a participant."""
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

    async def call(*argv: str, to: str = "alice", stdin: bytes = b"") -> Done:
        return await run("call", "--room", room_name, "--to", to, *argv, stdin=stdin)

    return call


@pytest.mark.parametrize("payload", ["hi", "", "é 😀", '{"a": [1]}', "two\nlines"])
async def test_only_the_answer_is_printed(call: Run, payload: str) -> None:
    assert await call("echo", payload) == Done(ExitCode.DONE, f"{payload}\n", "")


async def test_without_payload(call: Run) -> None:
    assert (await call("echo")).out == "\n"


async def test_payload_from_standard_input(call: Run) -> None:
    assert (await call("echo", "-", stdin="é\n".encode())).out == "é\n\n"


async def test_standard_input_that_is_no_text(call: Run) -> None:
    done = await call("echo", "-", stdin=b"ab\xff")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert done.err == "livekit: standard input is not UTF-8 (byte 2); encode it first, for example with base64\n"


async def test_endless_standard_input(call: Run) -> None:
    done = await call("echo", "-", stdin=b"x" * (MAX_PAYLOAD + 1))
    assert done.code == ExitCode.USAGE
    assert f"more than {MAX_PAYLOAD} bytes" in done.err


async def test_json(call: Run) -> None:
    done = await call("echo", "é", "--json")
    assert json.loads(done.out) == {"payload": "é"}
    failed = await call("fail", "data", "--json")
    assert (failed.code, failed.out) == (ExitCode.CALL_FAILED, "")
    assert json.loads(failed.err) == {"code": 2001, "message": "no\nmoney", "data": "data"}


async def test_the_handler_fails(call: Run) -> None:
    done = await call("fail", '{"balance": 3}')
    assert done == Done(ExitCode.CALL_FAILED, "", 'livekit: error 2001: no\\nmoney; data: {"balance": 3}\n')


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], ExitCode.CALL_FAILED, "error 1400: "),
        (["sleep", "--timeout", "0.3"], ExitCode.TIMEOUT, "error 1502: "),
        (["echo", "x" * 300_000], ExitCode.CALL_FAILED, "error 1402: "),
    ],
)
async def test_failures(call: Run, arguments: list[str], code: ExitCode, said: str) -> None:
    done = await call(*arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"livekit: {said}")
    assert len(done.err.splitlines()) == 1


async def test_nobody_of_that_name(call: Run) -> None:
    done = await call("echo", to="carol")
    assert (done.code, done.out) == (ExitCode.NOT_FOUND, "")
    assert "error 1401: " in done.err


async def test_no_such_room(run: Run) -> None:
    done = await run("call", "--room", "nowhere", "--to", "alice", "echo")
    assert done.code == ExitCode.NOT_FOUND
