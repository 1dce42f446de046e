"""Detection of calls from another thread or event loop, which would hang or corrupt state."""

from __future__ import annotations

import asyncio

from livekit.errors import EventLoopError

__all__ = ["check_loop"]


def check_loop(loop: asyncio.AbstractEventLoop, subject: str = "this") -> None:
    """Check that `loop` is the running event loop.

    Args:
        loop: the event loop that an object belongs to.
        subject: the object, for the error's message.

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
            f"{subject} belongs to an event loop that is closed; connect again, or keep the loop running in a thread "
            "and use asyncio.run_coroutine_threadsafe(coroutine, loop)"
        )
    raise EventLoopError(
        f"{subject} belongs to another event loop; from other threads and loops use "
        "asyncio.run_coroutine_threadsafe(coroutine, loop), with the loop on which it connected or was created"
    )
