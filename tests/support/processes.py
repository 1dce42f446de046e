"""Runs programs in separate processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator

LIVEKIT = (sys.executable, "-m", "livekit")
SETTINGS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def clean_environment(**settings: str) -> dict[str, str]:
    """Return the environment variables, with LiveKit's settings replaced by these."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}


@contextlib.asynccontextmanager
async def running(*command: str, **settings: str) -> AsyncGenerator[Process]:
    """Start a process and kill it at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE, env=clean_environment(**settings)
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def output_of(*command: str, **settings: str) -> tuple[int | None, str, str]:
    """Run a program and return its exit code, standard output and standard error."""
    async with running(*command, **settings) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


async def read_until(process: Process, text: str) -> str:
    """Return the output of a program up to the line with `text`. Raises AssertionError if it ends without it."""
    assert process.stdout is not None
    shown = ""
    async for line in process.stdout:
        shown += line.decode()
        if text in shown:
            return shown
    raise AssertionError(f"{text!r} was not printed, but:\n{shown}")
