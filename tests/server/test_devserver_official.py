"""Official Python clients call each other through the server, with a single and with dual peer connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from livekit.server import DevServer
from livekit.server.connection import Connection
from livekit.server.responses import DisconnectReason

pytestmark = pytest.mark.peers

SCRIPT = Path(__file__).parent / "official_peer.py"
PATIENCE = 20.0

Event = dict[str, object]

modes = pytest.mark.parametrize("mode", ["single", "dual"])


class OfficialPeer:
    """A process that runs the official SDK."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def event(self, kind: str, **details: object) -> Event:
        """Return the next event of that kind with those details; skip others."""
        assert self._process.stdout is not None
        while line := await asyncio.wait_for(self._process.stdout.readline(), PATIENCE):
            event = cast(Event, json.loads(line))
            if {"event": kind, **details}.items() <= event.items():
                return event
        raise AssertionError(f"the peer ended before {kind} {details}")

    def do(self, what: str, **arguments: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")

    async def call(self, to: str, method: str, payload: str = "") -> object:
        self.do("call", to=to, method=method, payload=payload)
        return (await self.event("returned"))["value"]

    async def leave(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await asyncio.wait_for(self._process.wait(), PATIENCE)

    def kill(self) -> None:
        self._process.kill()


@asynccontextmanager
async def official(
    python: str, server: DevServer, identity: str, mode: str = "single", token: str = ""
) -> AsyncGenerator[OfficialPeer]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(python, "-I", str(SCRIPT), server.url, token or server.token(identity, room="demo"), mode),
        stdin=pipe,
        stdout=pipe,
        limit=1 << 24,
    )
    try:
        yield OfficialPeer(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@modes
async def test_official_clients_exchange_calls_and_packets(server: DevServer, official_python: str, mode: str) -> None:
    async with official(official_python, server, "alice", "single") as alice:
        _ = await alice.event("connected", others=[])
        async with official(official_python, server, "bob", mode) as bob:
            _ = await bob.event("connected", others=["alice"])
            _ = await alice.event("joined", identity="bob")
            for caller, name, callee in ((alice, "alice", "bob"), (bob, "bob", "alice")):
                assert await caller.call(callee, "echo", "é" * 10) == "é" * 10
                assert await caller.call(callee, "echo", "x" * 100_000) == "x" * 100_000
                assert await caller.call(callee, "who") == name
                caller.do("call", to=callee, method="fail", payload="why")
                assert await caller.event("failed", code=1234, message="as asked", data="why")
            for reliable in (True, False):
                alice.do("publish", payload=f"to bob {reliable}", reliable=reliable, to=["bob"], topic="t")
                _ = await bob.event("data", payload=f"to bob {reliable}", sender="alice", reliable=reliable, topic="t")
                bob.do("publish", payload="to all", reliable=reliable, to=[], topic="")
                _ = await alice.event("data", payload="to all", sender="bob", reliable=reliable)
            assert await bob.leave() == 0
            _ = await alice.event("left", identity="bob")


@modes
async def test_second_client_of_an_identity_replaces_the_first(
    server: DevServer, official_python: str, mode: str
) -> None:
    async with (
        official(official_python, server, "alice") as alice,
        official(official_python, server, "bob", mode) as bob,
    ):
        _ = await alice.event("connected")
        _ = await bob.event("connected")
        async with official(official_python, server, "bob", mode) as newer:
            _ = await bob.event("disconnected", reason=DisconnectReason.DUPLICATE_IDENTITY)
            _ = await newer.event("connected", others=["alice"])
            _ = await alice.event("left", identity="bob")
            _ = await alice.event("joined", identity="bob")
            assert await alice.call("bob", "echo", "newer") == "newer"


@modes
async def test_official_client_resumes(server: DevServer, official_python: str, mode: str) -> None:
    async with (
        official(official_python, server, "alice", mode) as alice,
        official(official_python, server, "bob") as bob,
    ):
        sid = (await alice.event("connected"))["sid"]
        _ = await bob.event("connected")
        room = server.rooms.get("demo")
        assert room is not None
        participant = room.participants["alice"]
        assert isinstance(participant.link, Connection)
        participant.link.drop_signal()
        _ = await alice.event("reconnecting")
        bob.do("publish", payload="meanwhile", reliable=True, to=[], topic="")
        _ = await alice.event("data", payload="meanwhile")
        _ = await alice.event("reconnected")
        assert await alice.call("bob", "echo", "after") == "after"
        assert await bob.call("alice", "echo", "after") == "after"
        assert room.participants["alice"].sid == sid


@modes
async def test_unknown_sid_reconnects_in_full(server: DevServer, official_python: str, mode: str) -> None:
    async with (
        official(official_python, server, "alice", mode) as alice,
        official(official_python, server, "bob") as bob,
    ):
        _ = await alice.event("connected")
        _ = await bob.event("connected")
        room = server.rooms.get("demo")
        assert room is not None
        room.remove(room.participants["alice"], DisconnectReason.STATE_MISMATCH, 0.0)
        _ = await bob.event("left", identity="alice")
        _ = await bob.event("joined", identity="alice")
        _ = await alice.event("reconnected")
        assert await bob.call("alice", "echo", "again") == "again"


async def test_server_shutdown(server: DevServer, official_python: str) -> None:
    async with official(official_python, server, "alice") as alice:
        _ = await alice.event("connected")
        await server.aclose()
        _ = await alice.event("disconnected", reason=DisconnectReason.SERVER_SHUTDOWN)


async def test_hidden_and_without_publish_permission(server: DevServer, official_python: str) -> None:
    token = server.token("ghost", room="demo", hidden=True, can_publish_data=False)
    async with official(official_python, server, "alice") as alice:
        _ = await alice.event("connected")
        async with official(official_python, server, "ghost", token=token) as ghost:
            _ = await ghost.event("connected", others=["alice"])
            ghost.do("publish", payload="boo", reliable=True, to=[], topic="")
            async with official(official_python, server, "bob") as bob:
                _ = await bob.event("connected", others=["alice"])
                bob.do("publish", payload="hello", reliable=True, to=[], topic="")
                assert (await alice.event("joined"))["identity"] == "bob"
                assert (await alice.event("data"))["payload"] == "hello"


async def test_set_name_requires_the_grant(server: DevServer, official_python: str) -> None:
    token = server.token("bob", room="demo", can_update_own_metadata=True)
    async with (
        official(official_python, server, "alice") as alice,
        official(official_python, server, "bob", token=token) as bob,
    ):
        _ = await alice.event("connected")
        _ = await bob.event("connected")
        bob.do("rename", name="Bob")
        _ = await bob.event("renamed")
        alice.do("rename", name="Alice")
        _ = await alice.event("renamed")  # the official SDK does not raise when the server refuses
        room = server.rooms.get("demo")
        assert room is not None
        assert {who: member.info().name for who, member in room.participants.items()} == {"alice": "", "bob": "Bob"}


@pytest.mark.parametrize(
    ("token", "message"),
    [("nonsense", "invalid authorization token"), ("", "roomJoin")],
    ids=["nonsense", "grant"],
)
async def test_refusal_reaches_client(server: DevServer, official_python: str, token: str, message: str) -> None:
    refused = token or server.token("alice", room="demo", room_join=False)
    async with official(official_python, server, "alice", token=refused) as alice:
        assert message in str((await alice.event("connect_failed"))["message"])
