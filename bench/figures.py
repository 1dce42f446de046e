"""Measurements that the programs of a benchmark share, printed as lines of JSON."""

from __future__ import annotations

import asyncio
import json
import random
import string
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tools.measurements import percentile


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def text(size: int) -> str:
    """Return printable text of `size` bytes that hardly compresses; the same for each size."""
    return "".join(random.Random(size).choices(string.ascii_letters + string.digits + "+/", k=size))


async def one_at_a_time(size: int, count: int, call: Callable[[], Awaitable[object]]) -> None:
    """Measure the latency of sequential calls with `size` bytes, in milliseconds."""
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
    """Measure calls per second with `width` calls in flight, and the caller's CPU time per call."""
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
