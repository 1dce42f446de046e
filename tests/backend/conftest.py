"""A backend for the test's server, with and without asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from livekit.backend import Backend
from livekit.server import DevServer
from livekit.testing import RunningServer

Perform = Callable[..., Awaitable[str]]
Server = DevServer | RunningServer


@pytest.fixture
def backend(server: Server) -> Backend:
    return Backend(server.url, server.api_key, server.api_secret)


def performer(kind: str, backend: Backend) -> Perform:
    """Return `perform_rpc`, or an awaitable `perform_rpc_sync` that runs in a thread."""
    if kind == "async":
        return backend.perform_rpc

    async def perform(**arguments: Any) -> str:
        return await asyncio.to_thread(partial(backend.perform_rpc_sync, **arguments))

    return perform


@pytest.fixture(params=["async", "sync"])
def kind(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture
def perform(kind: str, backend: Backend) -> Perform:
    return performer(kind, backend)
