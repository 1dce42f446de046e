"""Registration, arguments and exceptions of `EventEmitter` callbacks."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from livekit.events import EventEmitter


def make() -> tuple[EventEmitter[str], list[Any]]:
    return EventEmitter(), []


def test_callbacks_run_in_order_with_as_many_arguments_as_they_accept() -> None:
    emitter, log = make()
    emitter.on("event", lambda: log.append(()))
    emitter.on("event", log.append)

    def two(a: object, b: object) -> None:
        log.append((a, b))

    def many(*args: object) -> None:
        log.append(args)

    emitter.on("event", two)
    emitter.on("event", many)
    emitter.on("event", functools.partial(two, "partial"))
    emitter.emit("event", 1, 2)
    emitter.emit("another", 1, 2)
    assert log == [(), 1, (1, 2), (1, 2), ("partial", 1)]


def test_keyword_only_parameters_get_no_argument() -> None:
    emitter, log = make()

    def callback(a: int, *, b: int = 7) -> None:
        log.append((a, b))

    emitter.on("event", callback)
    emitter.emit("event", 1, 2)
    assert log == [(1, 7)]


def test_decorators_return_the_function() -> None:
    emitter, log = make()

    @emitter.on("event")
    def always() -> None:
        log.append("always")

    @emitter.once("event")
    def once() -> None:
        log.append("once")

    emitter.emit("event")
    emitter.emit("event")
    assert log == ["always", "once", "always"]
    always()
    once()
    assert log[3:] == ["always", "once"]


def test_off_unregisters_and_ignores_unknown_callbacks() -> None:
    emitter, log = make()
    wrapper = emitter.once("event", log.append)
    emitter.off("event", wrapper)
    emitter.off("event", wrapper)
    emitter.off("another", wrapper)
    emitter.emit("event", 1)
    assert log == []


def test_registering_twice_calls_once() -> None:
    emitter, log = make()
    emitter.on("event", log.append)
    emitter.on("event", log.append)
    emitter.emit("event", 1)
    assert log == [1]


def test_coroutine_functions_are_rejected() -> None:
    emitter, _ = make()

    async def callback() -> None: ...

    with pytest.raises(ValueError, match="create_task"):
        emitter.on("event", callback)
    with pytest.raises(ValueError, match="create_task"):
        emitter.once("event", callback)


def test_decorators_without_parentheses_are_rejected() -> None:
    emitter, _ = make()

    def callback() -> None: ...

    with pytest.raises(TypeError, match="in parentheses"):
        emitter.on(callback)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="in parentheses"):
        emitter.once(callback)  # type: ignore[call-overload]


def test_functions_marked_as_coroutine_functions_are_rejected() -> None:
    emitter, _ = make()
    marker = getattr(asyncio.coroutines, "_is_coroutine", None)

    def callback() -> None: ...

    callback._is_coroutine = marker  # type: ignore[attr-defined]  # as pre-`async def` decorators did
    if marker is None:
        emitter.on("event", callback)
    else:
        with pytest.raises(ValueError, match="create_task"):
            emitter.on("event", callback)


def failing(error: type[Exception]) -> Any:
    def callback() -> None:
        raise error("a bug")

    return callback


def test_exception_is_logged_and_the_next_callback_runs(caplog: pytest.LogCaptureFixture) -> None:
    emitter, log = make()
    emitter.on("event", failing(LookupError))
    emitter.on("event", lambda: log.append(1))
    emitter.emit("event")
    assert log == [1]
    assert "'event'" in caplog.text


def test_type_error_propagates_from_emit() -> None:
    emitter, _ = make()
    emitter.on("event", failing(TypeError))
    with pytest.raises(TypeError, match="a bug"):
        emitter.emit("event")


def test_internal_events_propagate_nothing(caplog: pytest.LogCaptureFixture) -> None:
    emitter, log = make()
    emitter.on("event", failing(TypeError))
    emitter.on("event", failing(LookupError))
    emitter.on("event", log.append)
    emitter._notify("event", 1)
    assert log == [1]
    assert len(caplog.records) == 2


def test_callback_may_change_registrations() -> None:
    emitter, log = make()

    def first() -> None:
        emitter.off("event", first)
        emitter.on("event", lambda: log.append("late"))
        log.append("first")

    emitter.on("event", first)
    emitter.emit("event")
    assert log == ["first"]
    emitter.emit("event")
    assert log == ["first", "late"]
