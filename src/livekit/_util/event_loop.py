"""Running a program on uvloop where it is installed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """Run a coroutine like `asyncio.run`, on uvloop if it is installed (extra ``livekit-pure[fast]``).

    An addition to the official SDK.

    Raises:
        RuntimeError: An event loop is already running in this thread.
    """
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main, debug=debug)
    if sys.version_info >= (3, 12):  # where uvloop.run() leaks a coroutine if a loop is already running
        return asyncio.run(main, debug=debug, loop_factory=uvloop.new_event_loop)
    return uvloop.run(main, debug=debug)
