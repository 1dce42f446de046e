"""Background tasks with an owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Final

from livekit._util.aio import start_task
from livekit._util.logs import RateLimitedLog

logger = logging.getLogger(__name__)


class OwnedTasks:
    """The background tasks of one owner: failures are logged, and `aclose` ends all of them."""

    def __init__(self) -> None:
        self.warnings: Final = RateLimitedLog(logger)
        """The log of what clients of the owner can cause."""
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None], *, name: str) -> asyncio.Task[None]:
        """Run `work` as a task until it ends or the owner closes."""
        task = start_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def run(self, work: Coroutine[object, object, None], *, name: str) -> None:
        """Run `work` as `spawn` does, without returning the task."""
        _ = self.spawn(work, name=name)

    async def aclose(self, grace: float = 0.0) -> None:
        """Wait up to `grace` seconds for the running tasks, then cancel the rest and wait until they have ended."""
        if self._tasks and grace:
            await asyncio.wait(set(self._tasks), timeout=grace)
        while self._tasks:
            running = set(self._tasks)
            for task in running:
                task.cancel()
            await asyncio.wait(running)
            self._tasks -= running

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("task %s failed", task.get_name(), exc_info=error)
