from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from livekit.server import DevServer


@pytest.fixture
async def server(no_leaks: None) -> AsyncIterator[DevServer]:
    async with DevServer(port=0, console=True) as running:
        yield running
