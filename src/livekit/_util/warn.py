"""Warnings that point at the application's line, however deep in the package they arise."""

from __future__ import annotations

import asyncio
import inspect
import os
import warnings

__all__ = ["warn_application"]

_INTERNAL = (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
    os.path.dirname(asyncio.__file__) + os.sep,  # below a coroutine that is a task
)


def warn_application(message: str) -> None:
    """Issue a UserWarning for the innermost frame outside this package; Python shows it once per line.

    That of a coroutine which the application passed to `asyncio.create_task` or `gather` is the line that runs the
    event loop, so the message must name the call.
    """
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_INTERNAL):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
