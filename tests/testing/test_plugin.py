"""The pytest plugin in a subprocess, with each plugin that runs coroutines."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from livekit.testing import ServerThread
from tests.testing.plugin_runs import PLUGIN, run_pytest

pytest_plugins = ["pytester"]

TESTS = """
import asyncio
import pytest
from livekit import RpcError

{mark}


async def test_pair(livekit_pair):
    alice, bob = livekit_pair
    bob.register_rpc_method("greet", lambda data: f"hello {{data.caller_identity}}")
    answer = await alice.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
    assert answer == "hello alice"


async def test_environment(livekit_environment):
    bob = await livekit_environment.stub("bob", {{"ask": RpcError(7, "no")}})
    alice = await livekit_environment.join("alice", name="Alice")
    assert alice.local_participant.name == "Alice"
    with pytest.raises(RpcError, match="no"):
        await alice.local_participant.perform_rpc(destination_identity="bob", method="ask", payload="")
    bob.calls.assert_received("ask", caller="alice", times=1)


async def test_clock(livekit_clock, livekit_environment, livekit_environment_name):
    assert (livekit_clock is not None) == (livekit_environment_name == "memory")
    if livekit_clock is not None:
        await asyncio.sleep(3600)
        assert livekit_clock.elapsed >= 3600


async def test_faults(livekit_memory, livekit_environment):
    alice = await livekit_environment.join("alice")
    disconnected = asyncio.Event()
    alice.on("disconnected", disconnected.set)
    livekit_memory.shut_down()
    await asyncio.wait_for(disconnected.wait(), 10)
"""

PLAIN = """
import asyncio


def test_plain(livekit_environment):
    async def main():
        async with livekit_environment as environment:
            alice, bob = await environment.pair()
            assert list(alice.remote_participants) == ["bob"]

    asyncio.run(main())
"""

ANYIO_BACKEND = """
import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

MARKS = {"asyncio": "pytestmark = pytest.mark.asyncio", "anyio": "pytestmark = pytest.mark.anyio", "auto": ""}


def write_tests(pytester: pytest.Pytester, runner: str) -> None:
    pytester.makepyfile(TESTS.format(mark=MARKS[runner]))
    pytester.makeconftest(ANYIO_BACKEND)
    if runner == "anyio":
        pytest.importorskip("anyio")


@pytest.mark.parametrize("runner", ["asyncio", "anyio", "auto"])
def test_fixtures_work_with_every_async_plugin(pytester: pytest.Pytester, runner: str) -> None:
    write_tests(pytester, runner)
    mode = ("-o", f"asyncio_mode={'auto' if runner == 'auto' else 'strict'}")
    run_pytest(pytester, *mode).assert_outcomes(passed=4)


SCOPED = """
import asyncio
import pytest
import pytest_asyncio

{mark}


@pytest_asyncio.fixture(loop_scope="{scope}")
async def loop(livekit_pair):
    return asyncio.get_running_loop()


class TestScope:
    @pytest.mark.parametrize("number", [1, 2])
    async def test_clock(self, number, loop, livekit_clock, livekit_pair):
        assert loop is asyncio.get_running_loop()
        alice, bob = livekit_pair
        bob.register_rpc_method("greet", lambda data: "hello")
        call = alice.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
        assert await call == "hello"
        assert livekit_clock.elapsed == loop.time() == 0
        for _ in range(100):
            await asyncio.sleep(0.2)
        assert livekit_clock.elapsed == loop.time() == 20

    @pytest.mark.usefixtures("livekit_clock")
    async def test_used_clock(self):
        await asyncio.sleep(3600)
        assert asyncio.get_running_loop().time() == 3600

    def test_plain(self, livekit_environment):
        async def main():
            async with livekit_environment as environment:
                await environment.pair()

        asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("scope", "fixture_scope", "strict"),
    [
        *((scope, "session", True) for scope in ("function", "class", "module", "package", "session")),
        ("module", "function", False),
    ],
)
def test_fixtures_run_on_the_loop_of_the_test(
    pytester: pytest.Pytester, scope: str, fixture_scope: str, strict: bool
) -> None:
    """The marker chooses the loop in strict mode, the configured default in auto mode."""
    mark = f'pytestmark = pytest.mark.asyncio(loop_scope="{scope}")' if strict else ""
    pytester.makepyfile(SCOPED.format(mark=mark, scope=scope))
    options = ["asyncio_mode=strict"] if strict else ["asyncio_mode=auto", f"asyncio_default_test_loop_scope={scope}"]
    options.append(f"asyncio_default_fixture_loop_scope={fixture_scope}")
    ignored = ("-W", "ignore::pytest.PytestWarning")
    result = run_pytest(pytester, *(argument for option in options for argument in ("-o", option)), *ignored)
    result.assert_outcomes(passed=4)


def test_a_fixture_on_another_loop_than_its_test_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import pytest_asyncio

        @pytest_asyncio.fixture(loop_scope="module")
        async def paused(livekit_clock): ...

        @pytest.mark.asyncio
        async def test_paused(paused): ...
        """
    )
    result = run_pytest(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'paused' runs on the event loop of its module*loop_scope='function'*"])


@pytest.mark.parametrize(
    ("mode", "backend", "message"),
    [
        ("strict", "trio", "*anyio runs this test on trio: define a fixture `anyio_backend` that returns 'asyncio'*"),
        ("auto", "asyncio", "*pytest-asyncio and anyio both run this test*set `asyncio_mode = strict`*"),
    ],
)
def test_an_unusable_anyio_backend_is_an_error(
    pytester: pytest.Pytester, mode: str, backend: str, message: str
) -> None:
    pytest.importorskip("anyio")
    pytester.makeconftest(ANYIO_BACKEND.replace("asyncio", backend))
    pytester.makepyfile("import pytest\n@pytest.mark.anyio\nasync def test_clock(livekit_clock): ...")
    result = run_pytest(pytester, "-o", f"asyncio_mode={mode}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_each_test_runs_in_every_requested_environment(pytester: pytest.Pytester) -> None:
    write_tests(pytester, "asyncio")
    result = run_pytest(pytester, "--livekit-environment=memory,embedded", "-v")
    result.assert_outcomes(passed=7, skipped=1)
    result.stdout.fnmatch_lines_random(["*test_pair?memory? PASSED*", "*test_pair?embedded? PASSED*"])


@pytest.mark.parametrize("source", ["environment", "url"])
def test_a_running_server_is_used(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    write_tests(pytester, "asyncio")
    with ServerThread() as server:
        monkeypatch.setenv("LIVEKIT_API_KEY", server.api_key)
        monkeypatch.setenv("LIVEKIT_API_SECRET", server.api_secret)
        monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:1" if source == "url" else server.url)
        if source == "environment":
            monkeypatch.setenv("LIVEKIT_TEST_ENVIRONMENT", "server")
        options = [f"--livekit-environment={server.url}"] if source == "url" else []
        run_pytest(pytester, *options).assert_outcomes(passed=3, skipped=1)


def test_without_an_async_plugin_only_the_environment_works(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PLAIN)
    pytester.makepyfile(test_more="def test_pair(livekit_pair): ...\ndef test_clock(livekit_clock): ...")
    result = run_pytest(pytester, "-p", "no:anyio", "-p", "no:asyncio", "-W", "ignore")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*livekit_pair must share the test's event loop*"])


def test_unknown_environment_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = run_pytest(pytester, "--livekit-environment=moon")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*must be memory, embedded, server or a URL, not 'moon'*"])


def test_server_environment_requires_a_url(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEKIT_URL", raising=False)
    write_tests(pytester, "asyncio")
    result = run_pytest(pytester, "--livekit-environment=server", "-k", "test_environment")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*--livekit-environment=server needs LIVEKIT_URL*"])


def test_the_unused_plugin_loads_no_heavy_modules(pytester: pytest.Pytester) -> None:
    """Starting pytest loads neither rooms nor servers nor their dependencies."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_heavy():
            heavy = ("livekit.room", "livekit.server", "livekit.protocol", "aiohttp", "aiortc", "cryptography")
            assert not [name for name in heavy if name in sys.modules]
        """
    )
    run_pytest(pytester).assert_outcomes(passed=1)


def test_the_package_declares_the_entry_point() -> None:
    project = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    assert f'[project.entry-points.pytest11]\nlivekit = "{PLUGIN}"\n' in project
    assert importlib.import_module(PLUGIN).ENVIRONMENTS == ("memory", "embedded", "server")
