"""Cancellation-safe timeouts and clean-up, which asyncio lacks on Python 3.10."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["TIMER_SLACK", "finish", "loop_time", "start_task", "within"]

T = TypeVar("T")

TIMER_SLACK = 0.001
"""Seconds to add to the deadline of a core's timer. uvloop rounds to milliseconds, and a timer that fires before the
deadline would only be set again, several times over."""


def loop_time() -> float:
    """Return the running event loop's clock, in seconds.

    Raises:
        RuntimeError: No event loop is running in this thread.
    """
    return asyncio.get_running_loop().time()


def start_task(coroutine: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
    """Run a coroutine as a task of the running event loop.

    Its first step runs after this returns, also under `asyncio.eager_task_factory`, so that the task's owner is set up
    by then. asyncio does not complain if the program drops an event loop while the task runs.
    """
    task = asyncio.Task(coroutine, loop=asyncio.get_running_loop(), name=name)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no public way
    return task


async def within(seconds: float | None, coroutine: Coroutine[Any, Any, T]) -> T:
    """Await `coroutine` with a timeout; None for no timeout.

    The coroutine has ended when this returns or raises, even if this is cancelled. Unlike `asyncio.wait_for` before
    Python 3.12, this never swallows a cancellation.

    Raises:
        asyncio.TimeoutError: The coroutine did not end in time and was cancelled.
    """
    task = start_task(coroutine)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
    finally:
        await _end(task)
    raise asyncio.TimeoutError


async def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await `coroutine` to its end even if cancelled meanwhile, then raise the cancellation.

    For releasing resources: the coroutine must be short, because it cannot be cancelled.
    """
    task = start_task(coroutine)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it: the cancellation takes precedence
        raise cancelled
    return task.result()


async def _end(task: asyncio.Task[T]) -> None:
    """Cancel a task and wait until it has ended, cancelling again if it swallows the cancellation."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        task.cancel()
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if not task.cancelled():
        task.exception()
    if cancelled is not None:
        raise cancelled
