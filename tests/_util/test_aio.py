"""`within` and `finish` under timeouts and cancellation."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

import livekit.room
from livekit._util.aio import finish, start_task, within


async def test_within_returns_the_result() -> None:
    assert await within(5, asyncio.sleep(0, "done")) == "done"
    assert await within(None, asyncio.sleep(0, "done")) == "done"


async def test_within_waits_for_a_late_coroutine_to_clean_up() -> None:
    ended = False

    async def late() -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended = True

    with pytest.raises(asyncio.TimeoutError):
        await within(0, late())
    assert ended


async def test_within_propagates_exceptions() -> None:
    async def failing() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await within(5, failing())


@pytest.mark.parametrize("iterations", range(6))
async def test_within_never_swallows_a_cancellation(iterations: int) -> None:
    result = asyncio.get_running_loop().create_future()

    async def inner() -> str:
        await result
        return "done"

    task = asyncio.ensure_future(within(5, inner()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    result.set_result(None)
    for _ in range(iterations):
        await asyncio.sleep(0)
    cancelled = task.cancel()
    await asyncio.wait({task})
    assert task.cancelled() is cancelled


async def test_finish_completes_before_raising_the_cancellation() -> None:
    gate, ended = asyncio.Event(), asyncio.Event()

    async def release() -> None:
        await gate.wait()
        ended.set()

    task = asyncio.ensure_future(finish(release()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_within_cancelled_during_clean_up_waits_for_it() -> None:
    cleaning, gate, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            while not gate.is_set():
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    continue
            ended.set()

    task = asyncio.ensure_future(within(0, late()))
    await cleaning.wait()
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_started_task_runs_after_its_owner_is_set_up() -> None:
    if sys.version_info >= (3, 12):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    steps: list[str] = []

    async def step() -> None:
        steps.append("task")

    task = start_task(step(), name="a step")
    steps.append("owner")
    await task
    assert steps == ["owner", "task"]
    assert task.get_name() == "a step"


def test_tasks_are_created_by_one_function() -> None:
    """An eager task factory runs the first step of other tasks before their owner is set up."""
    package = Path(livekit.room.__file__).parent
    allowed = {
        "_util/aio.py",
        "backend/sync.py",  # on a loop of its own that is not running yet
    }
    creates = re.compile(r"\b(create_task|ensure_future|TaskGroup)\(")
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if creates.search(path.read_text())}
    assert found <= allowed
