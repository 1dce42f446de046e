"""Runs coroutines from synchronous code, in any thread, even one whose event loop is running."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from livekit._http.exhaustion import exhaustion_reported
from livekit._util.exhaustion import check_descriptors

T = TypeVar("T")

EVENT_LOOP_DESCRIPTORS = 3
"""Descriptors of an event loop: a selector and a pair of sockets."""


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to completion and return its result; Ctrl-C in the main thread cancels it.

    If an event loop is running in this thread, it is blocked and the coroutine runs in a short-lived thread.
    No thread, task or socket outlives the call.
    """
    runner = _Runner(coroutine)
    if not _is_loop_running():
        return runner.run()
    with ThreadPoolExecutor(max_workers=1) as executor:
        future = executor.submit(runner.run)
        try:
            return future.result()
        finally:
            runner.cancel()  # after KeyboardInterrupt; otherwise it has ended


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Runner(Generic[T]):
    """Runs one coroutine in a new event loop.

    Unlike `asyncio.run` it keeps the event loop and the SIGINT handler that the program has set for the thread.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        try:
            with exhaustion_reported("the call"):
                check_descriptors(EVENT_LOOP_DESCRIPTORS)  # a loop that fails to open them warns when it is deleted
                self._loop = asyncio.new_event_loop()
        except BaseException:
            coroutine.close()
            raise
        self._task = self._loop.create_task(coroutine)

    def run(self) -> T:
        try:
            return self._loop.run_until_complete(self._task)
        finally:
            try:
                self._finish()
            finally:
                self._loop.close()

    def cancel(self) -> None:
        """Cancel the coroutine from another thread; no effect once it has ended."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _finish(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
