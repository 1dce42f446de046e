"""What the programs of a benchmark share; they are scripts, so it lies beside them."""

from __future__ import annotations

import asyncio
import json
import random
import string
import time
from collections.abc import Awaitable, Callable
from typing import Any


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def text(size: int) -> str:
    """Incompressible, as far as printable text can be."""
    return "".join(random.Random(size).choices(string.ascii_letters + string.digits + "+/", k=size))


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rss_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


async def one_at_a_time(size: int, count: int, call: Callable[[], Awaitable[object]]) -> None:
    """Round trips of calls with `size` bytes, in milliseconds."""
    for _ in range(max(3, count // 20)):
        await call()
    taken: list[float] = []
    for _ in range(count):
        started = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    say(
        measure="latency",
        size=size,
        calls=count,
        p50=percentile(taken, 0.5),
        p99=percentile(taken, 0.99),
        max=taken[-1],
    )


async def many_at_once(width: int, count: int, call: Callable[[], Awaitable[object]]) -> None:
    """Calls per second with so many under way, and the caller's CPU time for each."""
    remaining = iter(range(count))

    async def keep_calling() -> None:
        for _ in remaining:
            await call()

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(keep_calling() for _ in range(width)))
    seconds = time.perf_counter() - started
    say(
        measure="throughput",
        in_flight=width,
        calls=count,
        per_second=count / seconds,
        cpu_us=(time.process_time() - cpu) / count * 1e6,
    )
