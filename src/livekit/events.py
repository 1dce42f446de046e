"""Callbacks by event name, with the official SDK's manners."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

logger = logging.getLogger("livekit")

T = TypeVar("T", contravariant=True)
C = TypeVar("C", bound=Callable[..., Any])


_MARKER: object = getattr(asyncio.coroutines, "_is_coroutine", None)
"""What decorators of old mark coroutine functions with; gone in Python 3.14's successors."""


def _is_coroutine_function(callback: Callable[..., Any]) -> bool:
    if inspect.iscoroutinefunction(callback):
        return True
    return _MARKER is not None and getattr(callback, "_is_coroutine", None) is _MARKER


def _arity(callback: Callable[..., Any]) -> int | None:
    """How many positional arguments a callback takes; None for any number."""
    count = 0
    for parameter in inspect.signature(callback).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return None
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            count += 1
    return count


class EventEmitter(Generic[T]):
    """Callbacks run in the order they were registered, and get as many of the arguments as they take.

    A TypeError in a callback comes out of `emit`; any other exception is logged and the next callback runs.
    """

    def __init__(self) -> None:
        self._events: dict[Any, dict[Callable[..., Any], None]] = {}

    def emit(self, event: T, *args: Any) -> None:
        """Call everything registered for `event`."""
        for callback in list(self._events.get(event, ())):
            try:
                callback(*args[: _arity(callback)])
            except TypeError:
                raise
            except Exception:
                logger.exception("a callback of event %r failed", event)

    def _notify(self, event: T, *args: Any) -> None:
        """`emit` for our own events: whatever a callback does, the next one runs and the room goes on."""
        for callback in list(self._events.get(event, ())):
            try:
                callback(*args[: _arity(callback)])
            except Exception:
                logger.exception("a callback of event %r failed", event)

    @overload
    def on(self, event: T, callback: C) -> C: ...
    @overload
    def on(self, event: T, callback: None = None) -> Callable[[C], C]: ...
    def on(self, event: T, callback: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Register a callback, or decorate one. Raises ValueError for coroutine functions: start a task instead."""
        if callback is None:

            def register(function: C) -> C:
                return self.on(event, function)

            return register
        if _is_coroutine_function(callback):
            raise ValueError(
                "Cannot register an async callback with `.on()`. Use `asyncio.create_task` within your synchronous "
                "callback instead."
            )
        self._events.setdefault(event, {})[callback] = None
        return callback

    @overload
    def once(self, event: T, callback: Callable[..., Any]) -> Callable[..., Any]: ...
    @overload
    def once(self, event: T, callback: None = None) -> Callable[[C], C]: ...
    def once(self, event: T, callback: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Like `on`, for the next time only. Returns what is registered, for `off`."""
        if callback is None:

            def decorate(function: C) -> C:
                self.once(event, function)
                return function

            return decorate
        if _is_coroutine_function(callback):
            return self.on(event, callback)
        wanted = callback

        def run_once(*args: Any) -> None:
            self.off(event, run_once)
            wanted(*args[: _arity(wanted)])

        return self.on(event, run_once)

    def off(self, event: T, callback: Callable[..., Any]) -> None:
        """Unregister a callback; one that is not registered is ignored."""
        self._events.get(event, {}).pop(callback, None)
