"""A pytest plugin: every test runs under `asyncio.eager_task_factory`.

Load it with ``-p tests.support.eager_tasks``, on Python 3.12 or newer. A task's first step then runs when the task is
created.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def eager_tasks() -> AsyncIterator[None]:
    """Set the event loop's task factory for one test."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        loop.set_task_factory(asyncio.eager_task_factory)
    yield
    loop.set_task_factory(None)
