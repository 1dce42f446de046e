"""The async plugin of pytest, and its event loop, that run a test.

The fixtures of a test must run on the same event loop as the test. pytest-asyncio has a loop for each scope, of which a
test chooses one; anyio has one loop at a time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast
from unittest import IsolatedAsyncioTestCase

import pytest

__all__ = ["PLAIN", "advice_for_plain_test", "async_runners", "check_fixture", "runner_of"]

PLAIN = ""
"""The runner of tests that no async plugin runs."""
_ANYIO = "anyio"
_ASYNCIO = "asyncio"
_LOOP_SCOPES = ("function", "class", "module", "package", "session")

FixtureDecorator = Callable[..., Any]


def async_runners(config: pytest.Config) -> Iterator[tuple[str, FixtureDecorator]]:
    """Yield each runner that can run a test, and the decorator of fixtures on its event loop."""
    yield _ANYIO, pytest.fixture
    if _has_pytest_asyncio(config):
        import pytest_asyncio

        if _has_loop_scopes():
            for scope in _LOOP_SCOPES:
                yield _asyncio_runner(scope), partial(pytest_asyncio.fixture, loop_scope=cast(Any, scope))
        else:
            yield _asyncio_runner("function"), pytest_asyncio.fixture


def runner_of(request: pytest.FixtureRequest) -> str:
    """Return the runner of the requesting test. Raises pytest.UsageError: its event loop cannot be used."""
    if not _is_coroutine_test(request) or _has_own_loop(request):
        return PLAIN
    marker = request.node.get_closest_marker("asyncio")
    has_backend = "anyio_backend" in request.fixturenames and request.config.pluginmanager.hasplugin("anyio")
    if marker is not None and _has_pytest_asyncio(request.config):
        if has_backend:
            raise pytest.UsageError(
                "pytest-asyncio and anyio both run this test and its fixtures, on different event loops: "
                "set `asyncio_mode = strict` for anyio, or remove the anyio marker and `anyio_backend`"
            )
        scope = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
        scope = scope or _ini(request.config, "asyncio_default_test_loop_scope") or "function"
        if scope != "function" and not _has_loop_scopes():
            raise pytest.UsageError(f"livekit fixtures with loop_scope={scope!r} need pytest-asyncio 0.24 or newer")
        return _asyncio_runner(scope)
    if has_backend:
        backend = request.getfixturevalue("anyio_backend")
        name = backend if isinstance(backend, str) else backend[0]
        if name != "asyncio":
            raise pytest.UsageError(
                f"livekit fixtures need asyncio, and anyio runs this test on {name}: "
                "define a fixture `anyio_backend` that returns 'asyncio'"
            )
        return _ANYIO
    return PLAIN


def check_fixture(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Raise pytest.UsageError if an async fixture of pytest-asyncio runs on another event loop than the test."""
    function = fixturedef.func
    runner = runner_of(request)
    if not runner.startswith(_ASYNCIO) or not (
        inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    ):
        return
    scope = getattr(function, "_loop_scope", None) or _ini(request.config, "asyncio_default_fixture_loop_scope")
    if scope in ("", "fixture-scope"):
        scope = fixturedef.scope
    if runner != _asyncio_runner(scope):
        test_scope = runner.removeprefix(_asyncio_runner(""))
        raise pytest.UsageError(
            f"fixture {fixturedef.argname!r} runs on the event loop of its {scope}, and livekit fixtures on that "
            f"of the test's {test_scope}: use @pytest_asyncio.fixture(loop_scope={test_scope!r})"
        )


def advice_for_plain_test(request: pytest.FixtureRequest) -> str:
    """Return what to change in a test that no async plugin runs."""
    if _has_own_loop(request):
        return "IsolatedAsyncioTestCase has a loop of its own: use MemoryRoom and VirtualClock in the test method"
    if _is_coroutine_test(request):
        return "mark it @pytest.mark.asyncio or @pytest.mark.anyio, or set `asyncio_mode = auto` for pytest-asyncio"
    return f"write `async def {request.node.name}`, or use livekit_environment inside asyncio.run"


def _is_coroutine_test(request: pytest.FixtureRequest) -> bool:
    function = getattr(request, "function", None)
    hypothesis = getattr(function, "hypothesis", None)
    return inspect.iscoroutinefunction(getattr(hypothesis, "inner_test", function))


def _has_own_loop(request: pytest.FixtureRequest) -> bool:
    cls = getattr(request, "cls", None)
    return cls is not None and issubclass(cls, IsolatedAsyncioTestCase)


def _has_pytest_asyncio(config: pytest.Config) -> bool:
    return config.pluginmanager.hasplugin("asyncio") or config.pluginmanager.hasplugin("pytest_asyncio")


def _has_loop_scopes() -> bool:
    import pytest_asyncio

    return "loop_scope" in inspect.signature(pytest_asyncio.fixture).parameters


def _asyncio_runner(loop_scope: str) -> str:
    return f"{_ASYNCIO}_{loop_scope}"


def _ini(config: pytest.Config, name: str) -> str:
    try:
        return str(config.getini(name) or "")
    except (KeyError, ValueError):  # an older pytest-asyncio
        return ""
