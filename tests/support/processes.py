"""Running programs as their users do."""

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
    """The environment without LiveKit's settings but the given ones."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}


@contextlib.asynccontextmanager
async def running(*command: str, **settings: str) -> AsyncGenerator[Process]:
    """A process that is gone when the block is left."""
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
    """Run a program to its end: exit code, standard output, standard error."""
    async with running(*command, **settings) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


async def read_until(process: Process, text: str) -> str:
    """What a program prints up to the line with `text`. Raises AssertionError if it ends before."""
    assert process.stdout is not None
    shown = ""
    async for line in process.stdout:
        shown += line.decode()
        if text in shown:
            return shown
    raise AssertionError(f"{text!r} was not printed, but:\n{shown}")
