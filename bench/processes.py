"""The programs of a benchmark as processes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINE_TIMEOUT = 900.0
"""Seconds."""


class Program:
    """A Python program that prints lines of JSON and ends when its input does."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def read(self) -> dict[str, Any] | None:
        """Return the next line; None when the program has ended. Raises RuntimeError: it failed."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), LINE_TIMEOUT)
        if line:
            return dict(json.loads(line))
        if code := await self.process.wait():
            raise RuntimeError(f"a program of the benchmark exited with code {code}")
        return None

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        while (line := await self.read()) is not None:
            yield line

    def go_on(self) -> None:
        """Send an empty line, which continues the program."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@asynccontextmanager
async def program(python: str, name: str, *arguments: str) -> AsyncIterator[Program]:
    """Run a module of this package; at the end its input is closed, and it is killed if it does not exit."""
    process = await asyncio.create_subprocess_exec(
        python,
        "-m",
        f"bench.{name}",
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        limit=1 << 20,
    )
    try:
        yield Program(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
