"""Fixtures for servers, participants and official peers.

If LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are set, `server` is that server instead of the embedded one,
and the tests run against it unchanged.
"""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from livekit import Room, RoomOptions
from livekit.server import DevServer
from livekit.testing import RoomEnvironment, RunningServer, TokenServer
from tests.environments import ENVIRONMENTS, open_environment
from tests.support.leaks import Resources
from tests.support.rooms import Join

ROOT = Path(__file__).resolve().parent.parent

# Wall-clock limits of Hypothesis fail on a busy machine; its own profile for CI lifts them in the same way.
if not os.environ.get("CI"):
    settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("local")

# A shell without job control starts background processes with SIGINT ignored. The programs that tests start and
# interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# The servers of tests are on this machine, where a proxy cannot reach them.
for variable in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
    os.environ.pop(variable, None)
    os.environ.pop(variable.lower(), None)


@pytest.fixture
async def no_leaks() -> AsyncIterator[None]:
    """Fail the test if it leaks a task, a socket or a thread."""
    before = Resources.now()
    yield
    await before.assert_restored()


@pytest.fixture
async def server(no_leaks: None) -> AsyncIterator[TokenServer]:
    """A LiveKit server for one test, or the one at LIVEKIT_URL."""
    external = RunningServer.from_environment()
    if external is not None:
        yield external
        return
    async with DevServer(port=0) as embedded:
        yield embedded


@pytest.fixture
def room_name() -> str:
    """The name of a room for one test."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def join(server: TokenServer, room_name: str) -> AsyncIterator[Join]:
    """A function that connects a room: ``alice = await join("alice")``. Rooms are disconnected after the test."""
    async with AsyncExitStack() as rooms:

        async def join(
            identity: str, *, room: str = room_name, options: RoomOptions | None = None, **grants: Any
        ) -> Room:
            joined = Room()
            rooms.push_async_callback(joined.disconnect)
            token = server.token(identity, room=room, **grants)
            await joined.connect(server.url, token, options=options or RoomOptions())
            return joined

        yield join


@pytest.fixture(params=ENVIRONMENTS)
async def environment(request: pytest.FixtureRequest) -> AsyncIterator[RoomEnvironment]:
    """Each environment: in memory on a virtual clock, the embedded server, and the server at LIVEKIT_URL if set."""
    async with open_environment(request.param) as environment:
        yield environment


@pytest.fixture(scope="session")
def official_python() -> str:
    """The Python interpreter of an environment with the official SDK; OFFICIAL_PYTHON overrides it."""
    python = Path(os.environ.get("OFFICIAL_PYTHON") or ROOT / ".venvs/official/bin/python")
    if not python.exists():
        pytest.skip(f"no official SDK at {python}: run `make setup`")
    return str(python.absolute())


@pytest.fixture(scope="session")
def js_peers() -> Path:
    """The folder with the JavaScript SDKs and the scripts that `node` runs."""
    folder = ROOT / "tests" / "interop" / "js"
    if not shutil.which("node") or not (folder / "node_modules").is_dir():
        pytest.skip("no JavaScript SDKs: install Node.js 20 and run `make setup`")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: install it with the system's package manager")
    return path
