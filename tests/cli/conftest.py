"""The `livekit` command against the server of the test."""

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
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Done]]


def settings_of(server: Server) -> dict[str, str]:
    """The environment that names a server."""
    return dict(zip(SETTINGS, (server.url, server.api_key, server.api_secret), strict=True))


@pytest.fixture
def run(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`await run("room", "list", stdin=b"")` runs a command inside this process, and the server beside it."""

    async def run(*argv: str, stdin: bytes = b"", **settings: str) -> Done:
        for name, value in {**settings_of(server), **settings}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = await asyncio.to_thread(main, argv)
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    return run
