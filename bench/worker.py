"""A participant of a benchmark, with this SDK or the official one, depending on the Python environment.

Run as ``bench.worker callee URL TOKEN`` or ``bench.worker caller URL TOKEN JOB``; prints lines of JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from functools import partial
from typing import Any

from tools.measurements import percentile, rss_kib

from .figures import many_at_once, one_at_a_time, say, text

IMPORT_STARTED = time.perf_counter()
from livekit import rtc  # noqa: E402 - its import is measured

IMPORT_SECONDS = time.perf_counter() - IMPORT_STARTED
CALLEE = "callee"


async def serve(url: str, token: str, identity: str) -> None:
    room = rtc.Room()
    await room.connect(url, token)
    room.local_participant.register_rpc_method("echo", lambda invocation: invocation.payload)
    say(ready=identity)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await room.disconnect()


async def call(room: Any, payload: str, to: str = CALLEE) -> None:
    answer = await room.local_participant.perform_rpc(
        destination_identity=to, method="echo", payload=payload, response_timeout=60.0, max_round_trip_latency=60.0
    )
    if len(answer) != len(payload):
        raise AssertionError("the echo differs from the request")


async def latency(room: Any, sizes: dict[str, int]) -> None:
    for size, count in sizes.items():
        await one_at_a_time(int(size), count, partial(call, room, text(int(size))))


async def throughput(room: Any, in_flight: dict[str, int]) -> None:
    once = partial(call, room, text(100))
    for width, count in in_flight.items():
        await asyncio.gather(*(once() for _ in range(min(int(width), 64))))
        await many_at_once(int(width), count, once)


async def connects(url: str, token: str, count: int) -> None:
    """Measure sequential joins, in milliseconds."""
    taken: list[float] = []
    for _ in range(count):
        room = rtc.Room()
        started = time.perf_counter()
        await room.connect(url, token)
        taken.append((time.perf_counter() - started) * 1000)
        await room.disconnect()
    taken.sort()
    say(measure="connect", p50=percentile(taken, 0.5), max=taken[-1])


async def measure(url: str, token: str, job: dict[str, Any]) -> None:
    say(measure="import", seconds=IMPORT_SECONDS)
    if job.get("connects"):
        await connects(url, token, job["connects"])
    room = rtc.Room()
    await room.connect(url, token)
    say(measure="memory", rss_kib=rss_kib(), peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    await latency(room, job.get("latency", {}))
    await throughput(room, job.get("throughput", {}))
    await room.disconnect()


async def ring(url: str, groups: list[list[str]], calls: int) -> None:
    """Rooms whose participants each call the next one, all concurrently."""
    pairs: list[tuple[Any, str]] = []
    for tokens in groups:
        rooms = [rtc.Room() for _ in tokens]
        for room, token in zip(rooms, tokens, strict=True):
            await room.connect(url, token)
            room.local_participant.register_rpc_method("echo", lambda invocation: invocation.payload)
        names = [room.local_participant.identity for room in rooms]
        pairs += zip(rooms, names[1:] + names[:1], strict=True)
    await asyncio.gather(*(call(room, "warm", name) for room, name in pairs))

    async def keep_calling(room: Any, name: str) -> None:
        for _ in range(calls):
            await call(room, "x" * 100, name)

    say(ready=len(pairs))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(keep_calling(room, name) for room, name in pairs))
    seconds = time.perf_counter() - started
    total = calls * len(pairs)
    say(measure="ring", per_second=total / seconds, cpu_us=(time.process_time() - cpu) / total * 1e6)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.gather(*(room.disconnect() for room, _ in pairs))


def main() -> None:
    role, url, *rest = sys.argv[1:]
    jobs = {
        "callee": lambda: serve(url, rest[0], CALLEE),
        "caller": lambda: measure(url, rest[0], json.loads(rest[1])),
        "ring": lambda: ring(url, json.loads(rest[0]), int(rest[1])),
    }
    run = getattr(rtc, "run", None) or asyncio.run
    run(jobs[role]())


if __name__ == "__main__":
    main()
