"""Detection of calls from another thread or event loop, which would hang or corrupt state."""

from __future__ import annotations

import asyncio

from livekit.errors import EventLoopError

__all__ = ["check_loop"]


def check_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Check that `loop` is the running event loop.

    Raises:
        EventLoopError: it is not.
    """
    try:
        if asyncio.get_running_loop() is loop:
            return
    except RuntimeError:
        """No event loop runs in this thread."""
    if loop.is_closed():
        raise EventLoopError(
            "this belongs to an event loop that is closed; connect again, or keep the loop running in a thread and use "
            "asyncio.run_coroutine_threadsafe(coroutine, loop)"
        )
    raise EventLoopError(
        "this belongs to another event loop; from other threads and loops use "
        "asyncio.run_coroutine_threadsafe(coroutine, loop), with the loop on which the room connected"
    )
