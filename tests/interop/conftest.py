"""The interoperability matrix: one server and one room with all peers, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

import pytest
import pytest_asyncio

from livekit.testing import RunningServer
from tests.interop.matrix import Matrix, open_matrix
from tests.support.servers import shared_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def matrix() -> AsyncIterator[Matrix]:
    async with shared_server() as server, open_matrix(server) as opened:
        yield opened


@pytest.fixture(scope="session")
def embedded_server() -> bool:
    """True if the tests run against our own server."""
    return RunningServer.from_environment() is None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On a failure, show the last log lines of the programs."""
    report = yield
    matrix = item.funcargs.get("matrix")
    if report.failed and isinstance(matrix, Matrix):
        report.sections.extend(matrix.logs())
    return report
