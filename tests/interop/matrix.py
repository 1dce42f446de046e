"""The programs and participants of the matrix, all in one room: started on first use and kept for later tests."""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import livekit.api as api
from livekit.testing import RunningServer
from tests.interop.harness import Participant, PeerProgram
from tests.interop.kinds import Kind, Pair
from tests.support.backend import Backend

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
JS = HERE / "js"
LOG_LINES = 30
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Matrix:
    """The programs of this test run."""

    def __init__(self, server: RunningServer, resources: AsyncExitStack) -> None:
        self._server = server
        self._resources = resources
        self._room = f"matrix-{uuid.uuid4().hex[:8]}"
        self._programs: dict[str, PeerProgram] = {}
        self._members: dict[str, Participant] = {}
        self._met: set[frozenset[Participant]] = set()
        self._broken: dict[tuple[PeerProgram, str], Exception] = {}

    async def pair(self, pair: Pair) -> tuple[Participant, Participant]:
        """Return the caller and the callee, who list each other; the same ones each time."""
        caller = await self._member(pair.caller, pair.caller.name)
        callee = await self._member(pair.callee, pair.callee.name + "-2" * (pair.caller is pair.callee))
        await self.introduce(caller, callee)
        return caller, callee

    async def member(self, kind: Kind) -> Participant:
        """Return the participant of a kind, the same one each time."""
        return await self._member(kind, kind.name)

    async def quiet_pair(self, pair: Pair) -> tuple[Participant, Participant]:
        """Return the caller, and a callee whose program does nothing else, so that its log is about its calls only."""
        caller = await self._member(pair.caller, pair.caller.name)
        callee = await self._member(pair.callee, f"{pair.callee.name}-quiet", quiet=True)
        await self.introduce(caller, callee)
        return caller, callee

    @asynccontextmanager
    async def backend(self) -> AsyncGenerator[tuple[Backend, str]]:
        """Return an HTTP client of the server's API, and the room's name."""
        async with aiohttp.ClientSession() as http:
            yield Backend(http, self._server), self._room

    async def encrypted(self, kind: Kind, key: str) -> Participant:
        """Return a new participant with an encryption key."""
        return await self._join(kind, f"{kind}-{key}-{uuid.uuid4().hex[:8]}", {"key": key})

    async def guest(self, kind: Kind, **grants: Any) -> Participant:
        """Return a new participant, which may leave."""
        return await self._join(kind, f"{kind}-guest-{uuid.uuid4().hex[:8]}", {}, **grants)

    async def audience(self, kind: Kind, room: str, connections: int) -> Participant:
        """Return a new participant of another room that exchanges audio on one or two peer connections.

        The SDK of Node.js runs in a program of its own: a room that it left while negotiating blocks later ones.
        """
        options = {"audio": "yes", "connections": str(connections)}
        own = room if kind.program == "node" else ""
        return await self._join(kind, f"{kind}-{uuid.uuid4().hex[:8]}", options, own=own, room=room)

    async def introduce(self, one: Participant, other: Participant) -> None:
        """Wait until two participants list each other."""
        both = frozenset((one, other))
        if both not in self._met:
            await one.listed(other)
            await other.listed(one)
            self._met.add(both)

    async def remove(self, participant: Participant) -> None:
        """Have the server remove a participant."""
        async with api.LiveKitAPI(self._server.url, self._server.api_key, self._server.api_secret) as server:
            identity = api.RoomParticipantIdentity(room=self._room, identity=participant.identity)
            await server.room.remove_participant(identity)

    def logs(self) -> list[tuple[str, str]]:
        """Return the last messages and log lines of each program."""
        programs = self._programs.items()
        messages = [(f"messages of {name}", "\n".join(program.history[-LOG_LINES:])) for name, program in programs]
        return messages + [(f"log of {name}", "\n".join(program.log[-LOG_LINES:])) for name, program in programs]

    async def _member(self, kind: Kind, identity: str, *, quiet: bool = False) -> Participant:
        program = await self._program(kind.program, quiet=quiet)
        member = self._members.get(identity)
        if member is not None and member.program is program:
            return member
        if (program, identity) in self._broken:  # fail at once what would fail again
            raise self._broken[program, identity]
        # The server may still list the participant of a program that was killed.
        new_identity = identity if member is None else f"{identity}-{uuid.uuid4().hex[:8]}"
        try:
            self._members[identity] = await self._join(kind, new_identity, {}, quiet=quiet)
        except Exception as error:
            self._broken[program, identity] = error
            raise
        return self._members[identity]

    async def _join(
        self, kind: Kind, identity: str, options: dict[str, str], *, quiet: bool = False, own: str = "", **grants: Any
    ) -> Participant:
        program = await self._program(kind.program, quiet=quiet, own=own)
        grants.setdefault("room", self._room)
        token = self._server.token(identity, **grants)
        if kind.package:
            options["sdk"] = kind.package
        return await program.join(self._server.url, token, **options)

    async def _program(self, name: str, *, quiet: bool, own: str = "") -> PeerProgram:
        """Return the running program of a name. One that has ended fails its test only: it is started again.

        With `own`, it is the one of that purpose.
        """
        key = f"quiet {name}" if quiet else f"{own} {name}" if own else name
        if key not in self._programs or self._programs[key].has_ended:
            running = PeerProgram.run(*COMMANDS[name](), environment=environment(name))
            self._programs[key] = await self._resources.enter_async_context(running)
        return self._programs[key]


@asynccontextmanager
async def open_matrix(server: RunningServer) -> AsyncGenerator[Matrix]:
    async with AsyncExitStack() as resources:
        yield Matrix(server, resources)


def environment(program: str) -> dict[str, str]:
    """Return this process's environment. Only our own program gets this checkout's package."""
    variables = {**os.environ, "NODE_ENV": "production", "PYTHONPATH": str(ROOT / "src")}
    if program != "ours":
        del variables["PYTHONPATH"]
    return variables


def ours_command() -> tuple[str, ...]:
    return (sys.executable, str(HERE / "python_peer.py"))


def python_command() -> tuple[str, ...]:
    return (official_python(), str(HERE / "python_peer.py"))


def official_python() -> str:
    """Return the Python of the environment with the official SDK; skip or fail the test if there is none."""
    python = Path(os.environ.get("OFFICIAL_PYTHON") or ROOT / ".venvs/official/bin/python")
    if not python.exists():
        missing(f"no official Python SDK at {python}: run `make setup`")
    return str(python.absolute())


def node_command() -> tuple[str, ...]:
    node = shutil.which("node")
    if node is None or not (JS / "node_modules").is_dir():
        missing("no JavaScript SDKs: install Node.js 20 or newer with npm, and run `make setup`")
    return (str(node), str(JS / "node_peer.mjs"))


def browser_command() -> tuple[str, ...]:
    node, _ = node_command()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        missing("no Chromium: install it, on Debian with `apt-get install chromium`")
    return (node, str(JS / "browser_peer.mjs"), str(browser))


COMMANDS = {"ours": ours_command, "python": python_command, "node": node_command, "browser": browser_command}


def missing(what: str) -> None:
    """Skip the test, or fail it if all peers are required."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(what)
    pytest.skip(what)
