"""SIGINT and SIGTERM for commands that run until they are stopped. Imported only by these: asyncio takes time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine

from livekit._util.aio import start_task


def stop_requested() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set, in the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(number, stop.set)
    return stop


async def finished_before(stop: asyncio.Event, work: Coroutine[object, object, None]) -> bool:
    """Await `work` and return True; if `stop` is set first, cancel it and return False."""
    working, stopping = start_task(work), start_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        working.result()
        return True
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
