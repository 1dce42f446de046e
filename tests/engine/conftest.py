"""Sessions with a server, without the room above them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from livekit.options import RoomOptions
from livekit.testing import TokenServer
from tests.engine.recording_listener import RecordingListener

Join = Callable[..., Awaitable[RecordingListener]]


@pytest.fixture(params=[None, False], ids=["single", "dual"])
def options(request: pytest.FixtureRequest) -> RoomOptions:
    """Both ways of signalling."""
    return RoomOptions(single_peer_connection=request.param)


@pytest.fixture
async def join(server: TokenServer, room_name: str, options: RoomOptions) -> AsyncIterator[Join]:
    """`await join("alice")` is a connected member; it is closed when the test ends."""
    async with AsyncExitStack() as members:

        async def join(identity: str, *, url: str = server.url, **grants: Any) -> RecordingListener:
            member = RecordingListener(url, server.token(identity, room=room_name, **grants), options)
            members.push_async_callback(member.engine.close)
            await member.engine.connect()
            return member

        yield join
