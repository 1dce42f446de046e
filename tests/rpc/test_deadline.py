from __future__ import annotations

import asyncio

from livekit.rpc.deadline import DeadlineScope, detach_deadline, enter_scope, remaining_budget


async def test_row_26_no_deadline_outside_a_handler() -> None:
    assert remaining_budget(0.0) is None


async def test_row_26_tasks_inherit_the_remaining_budget() -> None:
    scope = DeadlineScope(10.0)

    async def handler() -> None:
        enter_scope(scope)
        assert remaining_budget(4.0) == 6.0
        assert remaining_budget(11.0) == -1.0
        assert await asyncio.create_task(look()) == 6.0

    async def look() -> float | None:
        return remaining_budget(4.0)

    await asyncio.create_task(handler())
    assert remaining_budget(4.0) is None


async def test_row_26_a_task_that_outlives_the_invocation_has_no_deadline() -> None:
    scope = DeadlineScope(10.0)
    ended = asyncio.Event()

    async def background() -> float | None:
        await ended.wait()
        return remaining_budget(4.0)

    async def handler() -> asyncio.Task[float | None]:
        enter_scope(scope)
        return asyncio.create_task(background())

    left_behind = await asyncio.create_task(handler())
    scope.active = False
    ended.set()
    assert await left_behind is None


async def test_row_26_detaching() -> None:
    async def handler() -> None:
        enter_scope(DeadlineScope(10.0))
        with detach_deadline():
            assert remaining_budget(4.0) is None
        assert remaining_budget(4.0) == 6.0

    await asyncio.create_task(handler())
