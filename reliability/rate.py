"""Latency of calls on a slow link that a long stream saturates."""

from __future__ import annotations

import asyncio

from livekit.testing import LinkOptions
from tools.progress import progress

from .peers import Server
from .scenario import CALLEE, CALLER, Result, scenario

LINK = LinkOptions(rate=256_000 / 8, delay=0.025, mtu=1472)
STREAM = 10_000_000
"""Bytes."""
MAX_P99 = 1.0
"""Seconds."""


async def run(sdk: str, calls: int, seed: int) -> list[Result]:
    """Make `calls` calls beside a stream from the caller, and beside a stream to it."""
    async with Server() as server:
        return list(await asyncio.gather(*(_run(server, sdk, way, calls, seed) for way in ("up", "down"))))


async def _run(server: Server, sdk: str, way: str, calls: int, seed: int) -> Result:
    async with scenario(server, sdk, seed, LINK) as on:
        await on.join()
        sender, who, to = (on.caller, CALLER, CALLEE) if way == "up" else (on.callee, CALLEE, CALLER)
        sender.tell(do="send", who=who, to=to, size=STREAM)
        await asyncio.sleep(5)
        on.start_calls(every=0.25, count=calls)
        await on.caller.expect(event="done")
        result: Result = {"sdk": sdk, "stream": way, "required": MAX_P99, **on.result()}
        await asyncio.gather(on.caller.kill(), on.callee.kill())  # the stream would take five minutes to finish
    progress(
        f"{sdk}: 256 kbit/s, stream {way}: p50 {result['p50']:.3f} s, p99 {result['p99']:.3f} s, "
        f"{result['outcomes']}, violations {result['violations'][:2]}"
    )
    return result
