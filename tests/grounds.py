"""The grounds on which the project's own tests take place; the `ground` fixture is in conftest.py."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from livekit.server import DevServer
from livekit.testing import Ground, MemoryRoom, RunningServer, VirtualClock

MEMORY = "memory"
"""A room in memory on a virtual clock."""
MEMORY_LATE = "memory-late"
"""The same, announcing who is there as late as a LiveKit server does."""
EMBEDDED = "embedded"
"""The embedded server over WebRTC."""
SERVER = "server"
"""The server that LIVEKIT_URL names."""

GROUNDS = [MEMORY, EMBEDDED, *([SERVER] if RunningServer.from_environment() else [])]
"""Where a test with a `ground` takes place, unless it is parametrised otherwise: `parametrize("ground", [...],
indirect=True)`."""


@asynccontextmanager
async def open_ground(name: str) -> AsyncGenerator[Ground]:
    """The ground of that name, with a room of its own."""
    if name in (MEMORY, MEMORY_LATE):
        announces_joins = name == MEMORY
        memory = MemoryRoom(announces_joins=announces_joins)
        with VirtualClock():
            async with memory, Ground(name, memory, announces_joins=announces_joins, virtual=True) as ground:
                yield ground
    elif name == EMBEDDED:
        async with DevServer(port=0) as embedded, Ground(name, embedded) as ground:
            yield ground
    else:
        server = RunningServer.from_environment()
        assert server is not None, "LIVEKIT_URL is not set"
        async with Ground(name, server, announces_joins=False) as ground:
            yield ground
