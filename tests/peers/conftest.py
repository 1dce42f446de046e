"""The matrix of peers: one server, one room, everybody in it, for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from livekit.testing import ServerThread
from tests.peers.matrix import Matrix, open_matrix
from tests.support.servers import ExternalServer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def matrix() -> AsyncIterator[Matrix]:
    external = ExternalServer.from_environment()
    if external is not None:
        async with open_matrix(external) as opened:
            yield opened
        return
    # In a thread: the loop of this fixture stands still while other tests run, and connections would be given up.
    with ServerThread() as embedded:
        async with open_matrix(embedded) as opened:
            yield opened


@pytest.fixture(scope="session")
def embedded_server() -> bool:
    """Whether the tests run against our own server."""
    return ExternalServer.from_environment() is None
