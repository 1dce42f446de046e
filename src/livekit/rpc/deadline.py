"""Deadlines nest: a call made inside a handler ends no later than the handler's own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class DeadlineScope:
    """The running invocation of a handler, seen by everything it calls."""

    deadline: float
    """On the clock of the event loop, in seconds."""
    active: bool = True
    """False once the invocation ended: tasks it left behind are free."""


_scope: ContextVar[DeadlineScope | None] = ContextVar("livekit_rpc_deadline", default=None)


def enter_scope(scope: DeadlineScope) -> None:
    """Make `scope` the one of the current task."""
    _scope.set(scope)


def remaining_budget(now: float) -> float | None:
    """Seconds left of the invocation around the caller; None outside of one."""
    scope = _scope.get()
    if scope is None or not scope.active:
        return None
    return scope.deadline - now


@contextmanager
def detach_deadline() -> Generator[None]:
    """Calls made in this block do not inherit the deadline of the handler around it."""
    token = _scope.set(None)
    try:
        yield
    finally:
        _scope.reset(token)
