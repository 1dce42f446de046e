"""Engines connected to a server, without a room."""

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
    """Options for one peer connection and for two."""
    return RoomOptions(single_peer_connection=request.param)


@pytest.fixture
async def join(server: TokenServer, room_name: str, options: RoomOptions) -> AsyncIterator[Join]:
    """`await join("alice")` returns the listener of a connected engine, which is closed after the test."""
    async with AsyncExitStack() as stack:

        async def join(identity: str, *, url: str = server.url, **grants: Any) -> RecordingListener:
            listener = RecordingListener(url, server.token(identity, room=room_name, **grants), options)
            stack.push_async_callback(listener.engine.close)
            await listener.engine.connect()
            return listener

        yield join
