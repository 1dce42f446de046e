"""Processes killed with `kill -9` while calls are in flight, and restarted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from tools.progress import progress

from .peers import Server, peer
from .scenario import FirstSuccess, Result, Scenario, scenario

MAX_RETURN = 15.0
"""Seconds by which calls must succeed again."""
WORK = 0.3
"""Seconds per handler run, so that some are always running."""
WAIT = 60.0


Kill = Callable[[Scenario, AsyncExitStack], Awaitable[FirstSuccess]]
"""Kills and restarts a process; the measurement starts with it."""


async def run(sdk: str, rounds: int, seed: int) -> list[Result]:
    """Kill each kind of process `rounds` times, all kinds concurrently."""
    plans: dict[str, Kill] = {"server": _kill_server, "caller": _kill_caller, "callee": _kill_callee}
    return list(await asyncio.gather(*(_run(sdk, what, rounds, seed, kill) for what, kill in plans.items())))


async def _run(sdk: str, what: str, rounds: int, seed: int, kill: Kill) -> Result:
    chance = random.Random(f"{seed} {what}")
    returns: list[float] = []
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server())
        on = await stack.enter_async_context(scenario(server, sdk, seed))
        await on.join()
        on.start_calls(every=0.05, count=1 << 20, seconds=WORK)
        for number in range(rounds):
            await asyncio.sleep(0.5 + chance.random())
            first = await kill(on, stack)
            returns.append(await first.seconds(WAIT))
            progress(f"{sdk}: {what} killed, round {number + 1}: calls succeed again after {returns[-1]:.2f} s")
        await on.finish_calls()
        result: Result = {"sdk": sdk, "killed": what, "rounds": rounds, "required": MAX_RETURN, **on.result()}
    result |= {"back": max(returns), "back_median": sorted(returns)[len(returns) // 2]}
    progress(f"{sdk}: {what} killed {rounds} times: {result['outcomes']}, violations {result['violations'][:3]}")
    return result


async def _kill_server(on: Scenario, stack: AsyncExitStack) -> FirstSuccess:
    """Kill the server, and with it all rooms."""
    await on.server.kill()
    await on.server.start()
    return FirstSuccess(on.feed)


async def _kill_caller(on: Scenario, stack: AsyncExitStack) -> FirstSuccess:
    await on.caller.kill()
    on.ledger.abandon()
    on.caller = await stack.enter_async_context(peer(on.sdk, on_event=on.feed.take))
    first = FirstSuccess(on.feed)
    await on.join_caller()
    on.start_calls(every=0.05, count=1 << 20, seconds=WORK)
    return first


async def _kill_callee(on: Scenario, stack: AsyncExitStack) -> FirstSuccess:
    await on.callee.kill()
    on.callee = await stack.enter_async_context(peer(on.sdk, on_event=on.feed.take))
    first = FirstSuccess(on.feed)
    await on.join_callee()
    return first
