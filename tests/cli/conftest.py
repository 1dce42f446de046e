"""The `livekit` command, run against the test's server."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from livekit.cli import main
from livekit.server import DevServer
from livekit.testing import RunningServer
from tests.support.processes import SETTINGS

Server = DevServer | RunningServer


@dataclass(frozen=True)
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Result]]


def settings_of(server: Server) -> dict[str, str]:
    """Return the environment variables that select a server."""
    return dict(zip(SETTINGS, (server.url, server.api_key, server.api_secret), strict=True))


@pytest.fixture
def run(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in a thread of this process: `await run("room", "list", stdin=b"")`."""

    async def run(*argv: str, stdin: bytes = b"", **settings: str) -> Result:
        for name, value in {**settings_of(server), **settings}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = await asyncio.to_thread(main, argv)
        output = capsys.readouterr()
        return Result(code, output.out, output.err)

    return run
