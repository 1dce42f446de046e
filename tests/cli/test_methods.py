"""`livekit methods`, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import json

from livekit import Room, RpcInvocationData
from livekit.cli import ExitCode
from tests.support.rooms import Join

from .conftest import Run


def echo(data: RpcInvocationData) -> str:
    return data.payload


async def test_methods_are_listed_by_participant(run: Run, join: Join, room_name: str) -> None:
    alice: Room = await join("alice")
    await join("bob")
    alice.register_rpc_method("echo", echo)
    alice.register_rpc_method("add", echo)
    shown = await run("methods", "--room", room_name)
    assert [line.split(maxsplit=1) for line in shown.out.splitlines()] == [
        ["IDENTITY", "METHODS"],
        ["alice", "add, echo"],
        ["bob", "(none)"],
    ]
    only_alice = await run("methods", "--room", room_name, "--of", "alice", "--json")
    assert json.loads(only_alice.out) == [{"identity": "alice", "methods": ["add", "echo"]}]


async def test_missing_participant_and_room(run: Run, join: Join, room_name: str) -> None:
    await join("alice")
    done = await run("methods", "--room", room_name, "--of", "carol")
    assert (done.code, done.out) == (ExitCode.NOT_FOUND, "")
    assert done.err == f"livekit: no participant 'carol' in room {room_name!r}, which has 'alice'\n"
    done = await run("methods", "--room", "nowhere")
    assert (done.code, done.err.splitlines()) == (
        ExitCode.NOT_FOUND,
        ["livekit: no such room: 'nowhere'; `livekit room list` lists the rooms"],
    )
