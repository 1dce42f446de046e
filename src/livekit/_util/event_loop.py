"""Running a program on the fastest event loop there is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """`asyncio.run`, on uvloop where it is installed (the extra ``livekit-pure[fast]``). Ours, not the official SDK's.

    Raises:
        RuntimeError: an event loop runs in this thread already.
    """
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main, debug=debug)
    if sys.version_info >= (3, 12):
        return asyncio.run(main, debug=debug, loop_factory=uvloop.new_event_loop)
    return uvloop.run(main, debug=debug)
