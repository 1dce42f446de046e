"""The servers of a benchmark: the embedded one, and LiveKit's own, whose path is in LIVEKIT_SERVER."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from bench.processes import program
from livekit.testing import RunningServer
from tools.measurements import cpu_seconds, rss_kib

KEY, SECRET = "devkey", "secret-of-a-benchmark-on-this-machine"
VARIABLE = "LIVEKIT_SERVER"
START_LIMIT, POLL = 20.0, 0.1
"""Seconds."""


@dataclass(frozen=True)
class MediaServer:
    """A running server."""

    name: str
    url: str
    process: int
    secret: str = SECRET

    def token(self, identity: str, room: str) -> str:
        return RunningServer(self.url, KEY, self.secret).token(identity, room=room)

    def usage(self) -> tuple[float, int]:
        """Return CPU seconds and resident KiB so far."""
        return cpu_seconds(self.process), rss_kib(self.process)


@contextlib.asynccontextmanager
async def embedded(python: str) -> AsyncIterator[MediaServer]:
    """Start the embedded server in a process of its own."""
    async with program(python, "server") as running:
        first = await running.read()
        assert first is not None
        yield MediaServer("embedded", first["url"], running.process.pid, "secret")


@contextlib.asynccontextmanager
async def official(path: str) -> AsyncIterator[MediaServer]:
    """Start LiveKit's server on free ports."""
    signal, tcp, udp = _free_ports()
    config = {
        "port": signal,
        "bind_addresses": ["127.0.0.1"],
        "rtc": {"tcp_port": tcp, "udp_port": udp, "use_external_ip": False, "node_ip": "127.0.0.1"},
        "keys": {KEY: SECRET},
        "logging": {"level": "warn"},
    }
    process = await asyncio.create_subprocess_exec(
        *(path, "--config-body", json.dumps(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _answers(f"http://127.0.0.1:{signal}")
        yield MediaServer("livekit-server", f"ws://127.0.0.1:{signal}", process.pid)
    finally:
        process.terminate()
        await process.wait()


def official_path() -> str | None:
    """Return the path of LiveKit's server; None if LIVEKIT_SERVER is not set."""
    return os.environ.get(VARIABLE) or None


def room_name() -> str:
    return f"bench-{secrets.token_hex(4)}"


def _free_ports() -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(int(START_LIMIT / POLL)):
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url):
                    return
            await asyncio.sleep(POLL)
    raise RuntimeError(f"the server at {url} did not start")
