"""Callbacks registered by event name, with the official SDK's semantics."""

from __future__ import annotations

import asyncio
import difflib
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar, overload

from livekit._util.warn import warn_application

logger = logging.getLogger("livekit")

T = TypeVar("T", contravariant=True)
C = TypeVar("C", bound=Callable[..., Any])


_COROUTINE_MARKER: object = getattr(asyncio.coroutines, "_is_coroutine", None)
"""Set by pre-`async def` decorators on the coroutine functions they make; removed from newer Python versions."""


def _is_coroutine_function(callback: Callable[..., Any]) -> bool:
    if inspect.iscoroutinefunction(callback):
        return True
    return _COROUTINE_MARKER is not None and getattr(callback, "_is_coroutine", None) is _COROUTINE_MARKER


def _check_parentheses(event: object) -> None:
    if inspect.isfunction(event):
        raise TypeError('the event is a function: write @on("name"), with the name of the event in parentheses')


def _arity(callback: Callable[..., Any]) -> int | None:
    """Return the number of positional arguments that a callback accepts; None if unlimited."""
    count = 0
    for parameter in inspect.signature(callback).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return None
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            count += 1
    return count


class EventEmitter(Generic[T]):
    """Calls callbacks in the order of their registration, each with as many of the arguments as it accepts.

    A TypeError raised by a callback propagates out of `emit`; any other exception is logged and the next callback runs.
    """

    _event_names: ClassVar[Sequence[str]] = ()
    """The events that exist; a name that is only similar to one of them is warned about. Empty to allow any name."""

    def __init__(self) -> None:
        self._events: dict[Any, dict[Callable[..., Any], None]] = {}

    def emit(self, event: T, *args: Any) -> None:
        """Call the callbacks registered for `event`.

        Raises:
            TypeError: If a callback raises it; the callbacks after it do not run.
        """
        for callback in list(self._events.get(event, ())):
            try:
                callback(*args[: _arity(callback)])
            except TypeError:
                raise
            except Exception:
                logger.exception("callback for event %r raised an exception", event)

    def _notify(self, event: T, *args: Any) -> None:
        """Like `emit`, for the SDK's own events: a TypeError is logged too, so that no callback can break the room."""
        for callback in list(self._events.get(event, ())):
            try:
                callback(*args[: _arity(callback)])
            except Exception:
                logger.exception("callback for event %r raised an exception", event)

    @overload
    def on(self, event: T, callback: C) -> C: ...
    @overload
    def on(self, event: T, callback: None = None) -> Callable[[C], C]: ...
    def on(self, event: T, callback: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Register a callback; without one, return a decorator that does. Warns about a name that is almost an event's.

        Raises:
            ValueError: If the callback is a coroutine function. Start a task in a plain function instead.
            TypeError: If the decorator is used without parentheses.
        """
        if callback is None:
            _check_parentheses(event)

            def register(function: C) -> C:
                return self.on(event, function)

            return register
        if _is_coroutine_function(callback):
            raise ValueError(
                "Cannot register an async callback with `.on()`. Use `asyncio.create_task` within your synchronous "
                "callback instead."
            )
        self._warn_if_misspelt(event)
        self._events.setdefault(event, {})[callback] = None
        return callback

    def _warn_if_misspelt(self, event: T) -> None:
        if isinstance(event, str) and self._event_names and event not in self._event_names:
            similar = difflib.get_close_matches(event.lower(), self._event_names, n=1, cutoff=0.9)
            if similar:
                warn_application(f"there is no event {event!r}; did you mean {similar[0]!r}?")

    @overload
    def once(self, event: T, callback: Callable[..., Any]) -> Callable[..., Any]: ...
    @overload
    def once(self, event: T, callback: None = None) -> Callable[[C], C]: ...
    def once(self, event: T, callback: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Register a callback for the next occurrence only. Return the registered wrapper, which `off` accepts.

        Raises:
            ValueError: As for `on`.
            TypeError: As for `on`.
        """
        if callback is None:
            _check_parentheses(event)

            def decorate(function: C) -> C:
                self.once(event, function)
                return function

            return decorate
        if _is_coroutine_function(callback):
            return self.on(event, callback)
        wrapped = callback

        def run_once(*args: Any) -> None:
            self.off(event, run_once)
            wrapped(*args[: _arity(wrapped)])

        return self.on(event, run_once)

    def off(self, event: T, callback: Callable[..., Any]) -> None:
        """Unregister a callback; do nothing if it is not registered."""
        self._events.get(event, {}).pop(callback, None)
