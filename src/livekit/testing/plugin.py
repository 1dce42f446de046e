"""The pytest plugin: fixtures of rooms in memory, on the embedded server, or on a server that runs already.

What it needs is imported by the fixtures, not when pytest starts. `livekit_ground` works in plain tests; where
pytest-asyncio or anyio runs the test, it also disconnects what the test connected. `livekit_pair` and `livekit_clock`
need one of the two.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from livekit.room import Room

    from .clock import VirtualClock
    from .ground import Ground
    from .memory import MemoryRoom
    from .server_thread import ServerThread

OPTION = "--livekit-ground"
GROUNDS = ("memory", "embedded", "server")
_ASYNCIO, _ANYIO, _PLAIN = "asyncio", "anyio", "plain"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("livekit").addoption(
        OPTION,
        metavar="GROUND",
        default=os.environ.get("LIVEKIT_TEST_GROUND", "memory"),
        help="where tests with livekit fixtures take place: memory (default), embedded (a server in this process), "
        "server (the one of LIVEKIT_URL), the URL of a server, or several of these, with commas between; servers take "
        "the key and secret of LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
    )


def pytest_configure(config: pytest.Config) -> None:
    for name in _grounds(config):
        if name not in GROUNDS and "://" not in name:
            raise pytest.UsageError(f"{OPTION}: {name!r} is none of {', '.join(GROUNDS)}, and no URL")
    manager = config.pluginmanager
    manager.register(_async_fixtures(_ANYIO, pytest.fixture), "livekit-anyio")
    if manager.hasplugin("asyncio") or manager.hasplugin("pytest_asyncio"):
        import pytest_asyncio

        manager.register(_async_fixtures(_ASYNCIO, pytest_asyncio.fixture), "livekit-asyncio")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    grounds = _grounds(metafunc.config)
    if "livekit_ground_name" in metafunc.fixturenames and len(grounds) > 1:
        metafunc.parametrize("livekit_ground_name", grounds, indirect=True)


@pytest.fixture
def livekit_ground_name(request: pytest.FixtureRequest) -> str:
    """Where this test takes place: ``memory``, ``embedded``, ``server``, or the URL of a server."""
    name: str = getattr(request, "param", _grounds(request.config)[0])
    return name


@pytest.fixture
def livekit_ground(livekit_ground_name: str, request: pytest.FixtureRequest) -> Ground:
    """A room of the test's own: `url`, `token`, and `await livekit_ground.join("alice")`."""
    ground: Ground = _variant("ground", request)
    return ground


@pytest.fixture
def livekit_pair(livekit_ground_name: str, request: pytest.FixtureRequest) -> tuple[Room, Room]:
    """Two connected rooms that list each other, ``alice`` and ``bob``."""
    pair: tuple[Room, Room] = _variant("pair", request)
    return pair


@pytest.fixture
def livekit_clock(livekit_ground_name: str, request: pytest.FixtureRequest) -> VirtualClock | None:
    """Puts the test on a virtual clock where it takes place in memory; None elsewhere, where time is real."""
    clock: VirtualClock | None = _variant("clock", request) if livekit_ground_name == "memory" else None
    return clock


@pytest.fixture
def livekit_memory(livekit_ground_name: str, request: pytest.FixtureRequest) -> MemoryRoom:
    """The room in memory that the test takes place in, for its faults; the test is skipped elsewhere."""
    if livekit_ground_name != "memory":
        pytest.skip("makes faults, which only a room in memory can")
    ground: Ground = request.getfixturevalue("livekit_ground")
    return ground.memory


@pytest.fixture(scope="session")
def livekit_server() -> Iterator[ServerThread]:
    """The embedded server, started when the first test needs it: `url`, `token`, `api_key`, `api_secret`."""
    from .server_thread import ServerThread

    with ServerThread() as server:
        yield server


@pytest.fixture
def _livekit_plain_ground(livekit_ground_name: str, request: pytest.FixtureRequest) -> Ground:
    from .ground import Ground, RunningServer
    from .memory import MemoryRoom

    if livekit_ground_name == "memory":
        return Ground("memory", MemoryRoom())
    if livekit_ground_name == "embedded":
        return Ground("embedded", request.getfixturevalue("livekit_server"))
    server = RunningServer.from_environment(livekit_ground_name if "://" in livekit_ground_name else None)
    if server is None:
        pytest.fail(f"{OPTION}={livekit_ground_name} needs LIVEKIT_URL", pytrace=False)
    return Ground("server", server, announces_joins=False)


def _async_fixtures(kind: str, fixture: Callable[..., Any]) -> ModuleType:
    """The fixtures that need an event loop, for the plugin that runs it."""

    async def ground(_livekit_plain_ground: Ground) -> AsyncIterator[Ground]:
        async with _livekit_plain_ground as ground:
            yield ground

    async def pair(livekit_ground: Ground) -> tuple[Room, Room]:
        return await livekit_ground.pair()

    async def clock() -> AsyncIterator[VirtualClock]:
        from .clock import VirtualClock

        with VirtualClock() as clock:
            yield clock

    plugin = ModuleType(f"livekit.testing fixtures for {kind}")
    for function in (ground, pair, clock):
        name = f"_livekit_{kind}_{function.__name__}"
        setattr(plugin, name, fixture(name=name)(function))
    return plugin


def _variant(what: str, request: pytest.FixtureRequest) -> Any:
    """The fixture of that name for the plugin that runs this test."""
    kind = _runner(request)
    if kind == _PLAIN and what != "ground":
        if inspect.iscoroutinefunction(getattr(request, "function", None)):
            advice = (
                "mark it @pytest.mark.asyncio or @pytest.mark.anyio, or set `asyncio_mode = auto` for pytest-asyncio"
            )
        else:
            advice = f"write `async def {request.node.name}`, or use livekit_ground inside asyncio.run"
        raise pytest.UsageError(f"livekit_{what} needs an event loop that it shares with the test: {advice}")
    return request.getfixturevalue(f"_livekit_{kind}_{what}")


def _runner(request: pytest.FixtureRequest) -> str:
    if "anyio_backend" in request.fixturenames:
        return _ANYIO
    if request.node.get_closest_marker("asyncio") and request.config.pluginmanager.hasplugin("livekit-asyncio"):
        return _ASYNCIO
    return _PLAIN


def _grounds(config: pytest.Config) -> list[str]:
    names = str(config.getoption(OPTION))
    return [name.strip() for name in names.split(",")]
