"""Outages of the link: the time from its return to the first new call that succeeds."""

from __future__ import annotations

import asyncio

from livekit.testing import LinkOptions
from tools.progress import progress

from .peers import Server
from .scenario import FirstSuccess, Result, Scenario, scenario

OUTAGES = (3.0, 10.0, 45.0)
MAX_RETURN = 5.0
"""Seconds."""
LINK = LinkOptions(delay=0.025, mtu=1472)
WAIT = 90.0


async def run(sdk: str, rounds: int, seed: int) -> list[Result]:
    """Run every outage `rounds` times, all concurrently."""
    async with Server() as server:
        jobs = [(seconds, number) for seconds in OUTAGES for number in range(rounds)]
        return list(
            await asyncio.gather(
                *(run_outage(server, sdk, seconds, seed + number) for number, (seconds, _) in enumerate(jobs))
            )
        )


async def run_outage(server: Server, sdk: str, seconds: float, seed: int) -> Result:
    async with scenario(server, sdk, seed, LINK) as on:
        await on.join()
        back = await _lose_link(on, seconds)
        result: Result = {"sdk": sdk, "outage": seconds, "back": back, "required": MAX_RETURN, **on.result()}
    progress(
        f"{sdk}: outage of {seconds:g} s, seed {seed}: first new call {back:.2f} s after the link's return; "
        f"{result['outcomes']}, {len(result['violations'])} violations {result['violations'][:2]}"
    )
    return result


async def _lose_link(on: Scenario, seconds: float) -> float:
    on.start_calls(every=0.1, count=1 << 20)
    await asyncio.sleep(3)
    on.relay.is_down = True
    await asyncio.sleep(seconds)
    first = FirstSuccess(on.feed)
    on.relay.is_down = False
    back = await first.seconds(WAIT)
    await asyncio.sleep(2)
    await on.finish_calls()
    return back
