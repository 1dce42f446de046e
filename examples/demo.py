"""Two processes join a room and call each other's methods: the program of `make demo`.

Starts `livekit dev` on a free port and runs complete_example.py in two processes, as two participants, until both have
printed their results. Exits with 0 if they did.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from pathlib import Path

EXAMPLE = Path(__file__).with_name("complete_example.py")
ROOM = "demo"
IDENTITIES = ("alice", "bob")
EXPECTED = ("Echo: Hello RPC!", "10 + 20 = 30")
TIMEOUT = 30.0
"""Seconds for each step; the example itself waits 2 s for its peer."""
GRACE = 5.0
"""Seconds that a process gets to terminate before it is killed."""

RUNNER = """
import runpy, sys
example, url, token = sys.argv[1:]
runpy.run_path(example, {"url": url, "token": token}, "__main__")
"""
"""Runs the example with the two global names that it expects."""


@contextlib.asynccontextmanager
async def running(*command: str) -> AsyncGenerator[Process]:
    """Run a process for the duration of the block, then terminate it, and kill it after `GRACE`."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, env=environment)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.communicate(), GRACE)
        except asyncio.TimeoutError:
            process.kill()
            await process.communicate()


async def lines(process: Process) -> AsyncIterator[str]:
    """Yield the lines that a process prints."""
    assert process.stdout is not None
    async for line in process.stdout:
        yield line.decode(errors="replace").rstrip()


async def server_url(server: Process) -> str:
    """Return the URL that `livekit dev` prints."""
    shown: list[str] = []
    async for line in lines(server):
        shown.append(line)
        if match := re.search(r"\bws://\S+", line):
            return match[0]
    raise RuntimeError("livekit dev did not start:\n" + "\n".join(shown))


async def mint(identity: str) -> str:
    """Return a token from `livekit token`."""
    command = (sys.executable, "-m", "livekit", "token", "--room", ROOM, "--identity", identity)
    async with running(*command) as process:
        return [line async for line in lines(process)][-1]


async def prints_results(identity: str, process: Process) -> bool:
    """Print a participant's output until it has all of `EXPECTED`; return False if the process ends before that."""
    missing = set(EXPECTED)
    async for line in lines(process):
        print(f"{identity:>8} | {line}", flush=True)
        missing.discard(line)
        if not missing:
            return True
    return False


async def demonstrate(url: str) -> bool:
    """Run both participants until both have printed their results: each answers the other's calls until then."""
    async with contextlib.AsyncExitStack() as participants:
        results: list[Coroutine[None, None, bool]] = []
        for identity, token in zip(IDENTITIES, await asyncio.gather(*map(mint, IDENTITIES)), strict=True):
            command = (sys.executable, "-c", RUNNER, str(EXAMPLE), url, token)
            process = await participants.enter_async_context(running(*command))
            results.append(prints_results(identity, process))
        return all(await asyncio.gather(*results))


async def main() -> int:
    async with running(sys.executable, "-m", "livekit", "dev", "--port", "0") as server:
        url = await asyncio.wait_for(server_url(server), TIMEOUT)
        print(f"{'server':>8} | {url}", flush=True)
        try:
            succeeded = await asyncio.wait_for(demonstrate(url), TIMEOUT)
        except asyncio.TimeoutError:
            succeeded = False
    print("Both called each other's methods over WebRTC." if succeeded else f"Expected output is missing: {EXPECTED}.")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
