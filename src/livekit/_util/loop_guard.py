"""Release of what a program leaves open when its event loop ends."""

from __future__ import annotations

import asyncio
import atexit
import warnings
from collections.abc import Awaitable, Callable

from .aio import start_task

__all__ = ["LoopGuard"]

END_TIMEOUT = 2.0
"""Seconds for the tasks of an event loop that is closed without being ended first."""


class LoopGuard:
    """Releases a resource that the program has not closed when its event loop ends.

    `asyncio.run` ends a loop by cancelling all tasks. Without a guard, the sockets of the resource would stay open, and
    each library that it uses would complain. A loop that is closed while its tasks run, or still open at the
    interpreter's exit, is ended in the same manner.
    """

    def __init__(self, description: Callable[[], str], release: Callable[[], Awaitable[None]]) -> None:
        """Guard a resource of the running loop until `close`.

        Args:
            description: returns what was left open and how to close it, for a ResourceWarning; empty for no warning.
            release: closes the resource; called once, in a task of the guard.
        """
        self._loop = asyncio.get_running_loop()
        self._description = description
        self._release = release
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._task = start_task(self._watch(), name="livekit guard")
        if self._loop not in _guards:
            _guards[self._loop] = set()
            _end_before_closing(self._loop)
        _guards[self._loop].add(self)

    @property
    def is_releasing(self) -> bool:
        """True once the loop ends with the resource open."""
        return self._closed.cancelled()

    def close(self) -> None:
        """Stop guarding: the resource is closed. Idempotent."""
        _guards.get(self._loop, set()).discard(self)
        if not self._closed.done() and not self._loop.is_closed():
            self._closed.set_result(None)

    async def _watch(self) -> None:
        try:
            await self._closed
        except asyncio.CancelledError:
            description = self._description()
            try:
                await self._release()
            finally:
                self.close()
            if description:
                warnings.warn(description, ResourceWarning, stacklevel=1)


_guards: dict[asyncio.AbstractEventLoop, set[LoopGuard]] = {}
"""Guards of open resources by loop, of loops that are not closed."""


def _end_before_closing(loop: asyncio.AbstractEventLoop) -> None:
    """Make `loop.close` end the loop first."""
    close = loop.close

    def end_and_close() -> None:
        if not loop.is_running():  # else `close` raises
            _end(loop)
            _guards.pop(loop, None)
        close()

    loop.close = end_and_close  # type: ignore[method-assign]


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel all tasks and wait for them, as `asyncio.run` does, if a guarded resource is open."""
    if _guards.get(loop) and not loop.is_closed():
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=END_TIMEOUT))


@atexit.register
def _end_all() -> None:
    for loop in list(_guards):
        if not loop.is_running():  # in another thread
            _end(loop)
