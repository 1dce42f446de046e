"""The environments that tests run in; the `environment` fixture is in conftest.py."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from livekit.server import DevServer
from livekit.testing import MemoryRoom, RoomEnvironment, RunningServer, VirtualClock

MEMORY = "memory"
"""A room in memory, on a virtual clock."""
MEMORY_LATE = "memory-late"
"""The same, announcing participants as late as a LiveKit server."""
EMBEDDED = "embedded"
"""The embedded server, over WebRTC."""
SERVER = "server"
"""The server at LIVEKIT_URL."""

ENVIRONMENTS = [MEMORY, EMBEDDED, *([SERVER] if RunningServer.from_environment() else [])]
"""The default environments of the `environment` fixture.

Override them with `parametrize("environment", [...], indirect=True)`.
"""


@asynccontextmanager
async def open_environment(name: str) -> AsyncGenerator[RoomEnvironment]:
    """Open the environment of that name, with a new room."""
    if name in (MEMORY, MEMORY_LATE):
        announces_joins = name == MEMORY
        memory = MemoryRoom(announces_joins=announces_joins)
        with VirtualClock():
            async with (
                memory,
                RoomEnvironment(name, memory, announces_joins=announces_joins, virtual=True) as environment,
            ):
                yield environment
    elif name == EMBEDDED:
        async with DevServer(port=0) as embedded, RoomEnvironment(name, embedded) as environment:
            yield environment
    else:
        server = RunningServer.from_environment()
        assert server is not None, "LIVEKIT_URL is not set"
        async with RoomEnvironment(name, server, announces_joins=False) as environment:
            yield environment
