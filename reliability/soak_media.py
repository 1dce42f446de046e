"""`make soak-media`: two agents talk while twenty listen; what is heard, memory, tasks and descriptors are compared.

Each agent sends one of the two tones of `bench.media.signal` in turns, and hears the other. All on the embedded server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from bench.media.servers import embedded, room_name
from bench.media.signal import TRANSITION
from bench.processes import Program, program
from tools.progress import progress

from .outcome import finish
from .peers import ROOT

AGENTS = 2
LISTENERS = 20
WARM_UP = 10.0
"""Seconds before the first sample."""
MAX_GROWTH_KIB = 5 * 1024
MAX_DIFFERING = 0.0005
"""Share of frames that may differ: a machine with other load stalls now and then."""
BACK_TO_BASE = ("tasks", "descriptors")

Sample = dict[str, Any]


async def _ask(one: Program) -> Sample:
    one.go_on()
    answer = await one.read()
    assert answer is not None
    return answer


async def soak(seconds: float, listeners: int) -> dict[str, Any]:
    """Let the agents talk; return the samples and what was wrong."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded(sys.executable))
        room = room_name()
        tokens = [server.token(f"agent-{number}", room) for number in range(AGENTS)]
        agents = await stack.enter_async_context(
            program(sys.executable, "media.talkers", server.url, json.dumps(tokens))
        )
        await agents.read()
        tokens = [server.token(f"ear-{number}", room) for number in range(listeners)]
        ears = await stack.enter_async_context(
            program(sys.executable, "media.listeners", server.url, json.dumps(tokens))
        )
        await ears.read()
        await asyncio.sleep(WARM_UP)
        samples: list[Sample] = []

        async def sample(when: str) -> Sample:
            taken: Sample = {"when": when, "agents": await _ask(agents), "ears": await _ask(ears)}
            taken["server"] = {"rss_kib": server.usage()[1]}
            samples.append(taken)
            memory = "  ".join(
                f"{name} {taken[name]['rss_kib'] / 1024:.1f} MiB" for name in ("agents", "ears", "server")
            )
            heard = taken["agents"]
            progress(f"{when}: {memory}  {heard['frames']} frames heard, {heard['differing']} differ")
            return taken

        before = await sample("before")
        pause = min(60.0, seconds / 10)
        for number in range(round(seconds / pause)):
            await asyncio.sleep(pause)
            await sample(f"{(number + 1) * pause:.0f} s")
        return {
            "seconds": seconds,
            "listeners": listeners,
            "problems": problems(before, samples[-1]),
            "samples": samples,
        }


def problems(before: Sample, after: Sample) -> list[str]:
    """Return what was lost or leaked between two samples."""
    found: list[str] = []
    frames = after["agents"]["frames"] - before["agents"]["frames"]
    differing = after["agents"]["differing"] - before["agents"]["differing"]
    if not frames or differing > MAX_DIFFERING * frames + TRANSITION:
        found.append(f"{differing} of {frames} frames differ")
    for name in ("agents", "ears", "server"):
        grown = after[name]["rss_kib"] - before[name]["rss_kib"]
        if grown > MAX_GROWTH_KIB:
            found.append(f"{name} grew by {grown} KiB")
        found += [
            f"{name}: {after[name][what]} {what}, before {before[name][what]}"
            for what in BACK_TO_BASE
            if after[name].get(what, 0) > before[name].get(what, 0)
        ]
    silent = after["ears"]["silent"]
    if silent:
        found.append(f"{silent} listeners heard nothing")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m reliability.soak_media", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--listeners", type=int, default=LISTENERS)
    parser.add_argument("--output", default=str(ROOT / "docs/soak-media.json"))
    arguments = parser.parse_args()
    result = asyncio.run(soak(arguments.seconds, arguments.listeners))
    finish(result, arguments.output, "nothing lost, nothing leaked")


if __name__ == "__main__":
    main()
