from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from livekit.api import LiveKitAPI
from livekit.server import DevServer
from livekit.testing import RunningServer
from tests.support.backend import Backend


@pytest.fixture
async def server() -> AsyncIterator[RunningServer]:
    """The embedded server, or that of LIVEKIT_URL."""
    external = RunningServer.from_environment()
    if external is not None:
        yield external
        return
    async with DevServer(port=0) as embedded:
        yield RunningServer(embedded.url, embedded.api_key, embedded.api_secret)


@pytest.fixture
def is_embedded() -> bool:
    return RunningServer.from_environment() is None


@pytest.fixture
async def backend(server: RunningServer) -> AsyncIterator[Backend]:
    async with aiohttp.ClientSession() as http:
        yield Backend(http, server)


@pytest.fixture
async def lk(server: RunningServer) -> AsyncIterator[LiveKitAPI]:
    """A client of `livekit-api`."""
    async with LiveKitAPI(server.url, server.api_key, server.api_secret) as api:
        yield api
