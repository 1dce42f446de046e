"""Nested deadlines: a call made inside a handler ends no later than the handler's own deadline."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class DeadlineScope:
    """The deadline of a running invocation, inherited by the calls made in it."""

    deadline: float
    """Seconds on the event loop's clock."""
    active: bool = True
    """False once the invocation has ended: tasks that outlive it have no deadline."""
    invocation: object = None
    """The incoming call."""


_scope: ContextVar[DeadlineScope | None] = ContextVar("livekit_rpc_deadline", default=None)


def enter_scope(scope: DeadlineScope) -> None:
    """Make `scope` the current task's deadline scope."""
    _scope.set(scope)


def current_invocation() -> object:
    """Return the incoming call whose handler runs the current task, or started it; None outside a handler."""
    scope = _scope.get()
    return None if scope is None or not scope.active else scope.invocation


def remaining_budget(now: float) -> float | None:
    """Return the seconds left of the current invocation's deadline, None outside an invocation."""
    scope = _scope.get()
    if scope is None or not scope.active:
        return None
    return scope.deadline - now


@contextmanager
def detach_deadline() -> Generator[None]:
    """Do not apply the handler's deadline to calls made in this block."""
    token = _scope.set(None)
    try:
        yield
    finally:
        _scope.reset(token)
