"""The server that tests share: the embedded one in a separate process, or the one at LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import contextlib
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator

from livekit.server import DEV_KEYS
from livekit.testing import RunningServer

from .processes import LIVEKIT, clean_environment, read_until


@contextlib.asynccontextmanager
async def shared_server() -> AsyncGenerator[RunningServer]:
    """Start a server for tests that do not stop it, slow it down or change its limits."""
    external = RunningServer.from_environment()
    if external is not None:
        yield external
        return
    command = (*LIVEKIT, "dev", "--port", "0")
    # Its log goes to this process's stderr; a pipe would fill up, as nothing reads it.
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, env=clean_environment())
    try:
        banner = await asyncio.wait_for(read_until(process, "ws://"), 20.0)
        url = re.search(r"ws://\S+", banner)
        assert url is not None
        yield RunningServer(url[0], *next(iter(DEV_KEYS.items())))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()
