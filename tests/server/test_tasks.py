"""Background tasks with an owner."""

from __future__ import annotations

import asyncio
import logging

import pytest

from livekit.server.tasks import OwnedTasks


async def test_close_cancels_running_tasks() -> None:
    tasks = OwnedTasks()
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks.run(forever(), name="forever")
    await asyncio.sleep(0)
    await tasks.aclose()
    assert ended.is_set()


async def test_close_waits_during_grace() -> None:
    tasks = OwnedTasks()
    go = asyncio.Event()

    async def finish() -> None:
        await go.wait()

    task = tasks.spawn(finish(), name="finish")
    closing = asyncio.ensure_future(tasks.aclose(grace=10.0))
    await asyncio.sleep(0)
    go.set()
    await closing
    assert not task.cancelled()


async def test_close_cancels_tasks_spawned_by_tasks() -> None:
    tasks = OwnedTasks()
    late = asyncio.Event()

    async def second() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            late.set()

    async def first() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tasks.run(second(), name="second")
            await asyncio.sleep(0)

    tasks.run(first(), name="first")
    await asyncio.sleep(0)
    await tasks.aclose()
    assert late.is_set()


async def test_failures_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="livekit.server")
    tasks = OwnedTasks()

    async def fail() -> None:
        raise ValueError("as asked")

    task = tasks.spawn(fail(), name="failing")
    await asyncio.wait({task})
    await tasks.aclose()
    assert "task failing failed" in caplog.text
    assert "as asked" in caplog.text
