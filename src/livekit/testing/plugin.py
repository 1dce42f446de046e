"""The pytest plugin: fixtures for rooms in memory, on the embedded server, or on a running server.

Heavy imports happen in the fixtures, not at pytest's start. `livekit_environment` works in plain tests; in coroutine
tests of pytest-asyncio or anyio it also disconnects the rooms that the test connected. `livekit_pair` and
`livekit_clock` need one of the two. All run on the test's own event loop, whatever its scope.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from .async_runner import PLAIN, advice_for_plain_test, async_runners, check_fixture, runner_of

if TYPE_CHECKING:
    from livekit.room import Room

    from .clock import VirtualClock
    from .memory import MemoryRoom
    from .room_environment import RoomEnvironment
    from .server_thread import ServerThread

OPTION = "--livekit-environment"
ENVIRONMENTS = ("memory", "embedded", "server")
_ON_TEST_LOOP = frozenset({"livekit_environment", "livekit_pair", "livekit_clock", "livekit_memory"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("livekit").addoption(
        OPTION,
        metavar="ENVIRONMENT",
        default=os.environ.get("LIVEKIT_TEST_ENVIRONMENT", "memory"),
        help="environment of tests with livekit fixtures: memory (default), embedded (a server in this process), "
        "server (LIVEKIT_URL), the URL of a server, or a comma-separated list of these; servers are used with the key "
        "and secret in LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
    )


def pytest_configure(config: pytest.Config) -> None:
    for name in _environments(config):
        if name not in ENVIRONMENTS and "://" not in name:
            raise pytest.UsageError(f"{OPTION} must be {', '.join(ENVIRONMENTS)} or a URL, not {name!r}")
    for runner, fixture in async_runners(config):
        config.pluginmanager.register(_async_fixtures(runner, fixture), f"livekit-{runner}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    environments = _environments(metafunc.config)
    if "livekit_environment_name" in metafunc.fixturenames and len(environments) > 1:
        metafunc.parametrize("livekit_environment_name", environments, indirect=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Check the event loops of applications' fixtures that build on those of this plugin."""
    if not _ON_TEST_LOOP.isdisjoint(fixturedef.argnames):
        check_fixture(fixturedef, request)
    return (yield)


@pytest.fixture
def livekit_environment_name(request: pytest.FixtureRequest) -> str:
    """This test's environment: ``memory``, ``embedded``, ``server``, or the URL of a server."""
    name: str = getattr(request, "param", _environments(request.config)[0])
    return name


@pytest.fixture
def livekit_environment(livekit_environment_name: str, request: pytest.FixtureRequest) -> RoomEnvironment:
    """A room with a unique name: `url`, `token`, and `await livekit_environment.join("alice")`."""
    if "livekit_clock" in request.fixturenames:  # the clock starts before anything relies on the loop's time
        request.getfixturevalue("livekit_clock")
    environment: RoomEnvironment = _variant("environment", request)
    return environment


@pytest.fixture
def livekit_pair(livekit_environment_name: str, request: pytest.FixtureRequest) -> tuple[Room, Room]:
    """Two connected rooms, ``alice`` and ``bob``, that list each other."""
    pair: tuple[Room, Room] = _variant("pair", request)
    return pair


@pytest.fixture
def livekit_clock(livekit_environment_name: str, request: pytest.FixtureRequest) -> VirtualClock | None:
    """A virtual clock in the memory environment; None elsewhere, where time is real."""
    clock: VirtualClock | None = _variant("clock", request) if livekit_environment_name == "memory" else None
    return clock


@pytest.fixture
def livekit_memory(livekit_environment_name: str, request: pytest.FixtureRequest) -> MemoryRoom:
    """The in-memory room, for fault injection; skips the test in other environments."""
    if livekit_environment_name != "memory":
        pytest.skip("injects faults, which needs the memory environment")
    environment: RoomEnvironment = request.getfixturevalue("livekit_environment")
    return environment.memory


@pytest.fixture(scope="session")
def livekit_server() -> Iterator[ServerThread]:
    """The embedded server, started on first use: `url`, `token`, `api_key`, `api_secret`."""
    from .server_thread import ServerThread

    with ServerThread() as server:
        yield server


@pytest.fixture
def _livekit_plain_environment(livekit_environment_name: str, request: pytest.FixtureRequest) -> RoomEnvironment:
    from .memory import MemoryRoom
    from .room_environment import RoomEnvironment, RunningServer

    if livekit_environment_name == "memory":
        virtual = "livekit_clock" in request.fixturenames
        return RoomEnvironment("memory", MemoryRoom(), virtual=virtual, closes_server=True)
    if livekit_environment_name == "embedded":
        return RoomEnvironment("embedded", request.getfixturevalue("livekit_server"))
    server = RunningServer.from_environment(livekit_environment_name if "://" in livekit_environment_name else None)
    if server is None:
        pytest.fail(f"{OPTION}={livekit_environment_name} needs LIVEKIT_URL", pytrace=False)
    return RoomEnvironment("server", server, announces_joins=False)


def _async_fixtures(runner: str, fixture: Callable[..., Any]) -> ModuleType:
    """Return the fixtures that need an event loop, for tests of that runner."""

    async def environment(_livekit_plain_environment: RoomEnvironment) -> AsyncIterator[RoomEnvironment]:
        async with _livekit_plain_environment as environment:
            yield environment

    async def pair(livekit_environment: RoomEnvironment) -> tuple[Room, Room]:
        return await livekit_environment.pair()

    async def clock() -> AsyncIterator[VirtualClock]:
        from .clock import VirtualClock

        with VirtualClock() as clock:
            yield clock

    plugin = ModuleType(f"livekit.testing fixtures for {runner}")
    for function in (environment, pair, clock):
        name = f"_livekit_{runner}_{function.__name__}"
        setattr(plugin, name, fixture(name=name)(function))
    return plugin


def _variant(what: str, request: pytest.FixtureRequest) -> Any:
    """Return the fixture of that name on the event loop that runs this test."""
    runner = runner_of(request)
    if runner != PLAIN:
        return request.getfixturevalue(f"_livekit_{runner}_{what}")
    if what == "environment":
        return request.getfixturevalue("_livekit_plain_environment")
    raise pytest.UsageError(f"livekit_{what} must share the test's event loop: {advice_for_plain_test(request)}")


def _environments(config: pytest.Config) -> list[str]:
    names = str(config.getoption(OPTION))
    return [name.strip() for name in names.split(",")]
