"""`make bench-media`: audio with this SDK and with the official one on the same server, in one run, as ratios.

Each participant and each server is a separate process. Clients are measured on the embedded server, or with
`--server official` on LiveKit's, whose path is in LIVEKIT_SERVER; servers are compared if it is set. Writes
docs/benchmarks-media.md and .json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.processes import Program, program
from livekit.testing import NetworkRelay
from tools.measurements import percentile
from tools.progress import progress

from . import report
from .links import LINKS, Fate, MediaLink
from .servers import VARIABLE, MediaServer, embedded, official, official_path, room_name
from .signal import Change, latencies

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = {
    "ours": sys.executable,
    "official": os.environ.get("OFFICIAL_PYTHON") or str(ROOT / ".venvs/official/bin/python"),
}
WARM_UP = 5.0
"""Seconds of audio, with the link's impairments, before a measurement."""
CROWD = 10
DRIFT = 1.0005
SEED = 7

Results = list[dict[str, Any]]


class Bench:
    """Measurements on one server, each of `seconds`."""

    def __init__(self, server: MediaServer, seconds: float, load: str = "ours") -> None:
        """Measure on a server; `load` is the SDK of the participants that a server's CPU is measured with."""
        self._server = server
        self._seconds = seconds
        self._load = load

    async def track(
        self, publisher: str, receiver: str, *, fate: Fate | None = None, seconds: float | None = None, **job: Any
    ) -> dict[str, Any]:
        """Measure one track from a publisher to a receiver behind a link; give CPU, memory, latency and errors."""
        room = room_name()
        async with contextlib.AsyncExitStack() as stack:
            url = self._server.url
            link: MediaLink | None = None
            if fate is not None:
                link = MediaLink(SEED)
                url = (await stack.enter_async_context(NetworkRelay(url, down=link))).url
            receiving = await self._start(stack, receiver, "receive", url, self._token("ear", room), {})
            await receiving.read()
            sending = await self._start(stack, publisher, "publish", self._server.url, self._token("mic", room), job)
            await sending.read()
            await receiving.read()
            if link is not None:
                link.fate = fate
            await asyncio.sleep(WARM_UP)
            _go_on(sending, receiving)
            await asyncio.sleep(seconds or self._seconds)
            _go_on(sending, receiving)
            heard, published = await receiving.read(), await sending.read()
            sending.go_on()
            captured = await sending.read()
            return _summary(published, heard, captured)

    async def agent(self, sdk: str) -> dict[str, Any]:
        """Measure the timing of a voice agent."""
        room = room_name()
        async with contextlib.AsyncExitStack() as stack:
            hearing = await self._start(stack, sdk, "listen", self._server.url, self._token("ear", room), {})
            await hearing.read()
            speaking = await self._start(stack, sdk, "agent", self._server.url, self._token("agent", room), {})
            await speaking.read()
            await hearing.read()
            speaking.go_on()
            spoken = await speaking.read()
            _go_on(speaking, hearing)
            heard = await hearing.read()
        return _agent_summary(spoken, heard)

    async def server(self, crowd: int) -> dict[str, float]:
        """Return the server's CPU with some publishers who all hear each other, or with one and a receiver for 1."""
        room = room_name()
        async with contextlib.AsyncExitStack() as stack:
            start, url = partial(self._start, stack, self._load), self._server.url
            if crowd == 1:
                hearing = await start("receive", url, self._token("ear", room), {})
                await hearing.read()
                clients = [await start("publish", url, self._token("mic", room), {}), hearing]
            else:
                tokens = json.dumps([self._token(f"p{number}", room) for number in range(crowd)])
                clients = [await start("crowd", url, tokens, {"red": False})]
            for client in clients:
                await client.read()
            await asyncio.sleep(WARM_UP)
            before, _ = self._server.usage()
            await asyncio.sleep(self._seconds)
            after, rss = self._server.usage()
            for client in clients:
                client.go_on()
        return {"cpu_percent": 100 * (after - before) / self._seconds, "rss_kib": rss}

    def _token(self, identity: str, room: str) -> str:
        return self._server.token(identity, room)

    async def _start(
        self, stack: contextlib.AsyncExitStack, sdk: str, role: str, url: str, token: str, job: dict[str, Any]
    ) -> Program:
        worker = program(PYTHONS[sdk], "media.worker", role, url, token, json.dumps(job))
        return await stack.enter_async_context(worker)


def _go_on(*programs: Program) -> None:
    for one in programs:
        one.go_on()


def _summary(published: Any, received: Any, captured: Any) -> dict[str, Any]:
    heard = received["heard"]
    changes = [Change(*change) for change in heard["changes"]]
    delays = latencies([Change(*change) for change in captured["changes"]], changes)
    middle = len(changes) // 4
    first, last = (
        latencies([Change(*change) for change in captured["changes"]], part)
        for part in (changes[:middle], changes[-middle:])
    )
    return {
        "publish_cpu": published["cpu_percent"],
        "receive_cpu": received["cpu_percent"],
        "publish_rss_kib": published["rss_kib"],
        "receive_rss_kib": received["rss_kib"],
        "p50": 1000 * percentile(delays, 0.5),
        "p99": 1000 * percentile(delays, 0.99),
        "growth": 1000 * (percentile(last, 0.5) - percentile(first, 0.5)),
        "frames": heard["frames"],
        "differing": heard["differing"],
    }


def _agent_summary(spoken: Any, heard: Any) -> dict[str, Any]:
    """Return the figures of an agent in milliseconds."""
    captures, edges = spoken["captures"], heard["edges"]
    waits = sorted(captures[5:])
    onset = next(at for at, loud in edges if loud and at > spoken["started"])
    end = max(at for at, loud in edges if not loud and spoken["started"] < at < spoken["ended"] + 0.9)
    silence = min(at for at, loud in edges if not loud and at > spoken["interrupted_at"])
    milliseconds = {
        "fourth capture": captures[3],
        "fifth capture": captures[4],
        "later captures, p50": percentile(waits, 0.5),
        "later captures, p99": percentile(waits, 0.99),
        "2 s of sound, wait_for_playout": spoken["playout"],
        "clear_queue": spoken["cleared"],
        "wait_for_playout after clear_queue": spoken["released"],
        "capture to first sound": onset - spoken["started"],
        "clear_queue to silence": silence - spoken["interrupted_at"],
        "wait_for_playout to silence": end - spoken["ended"],
        "gap of 50 ms frames, p1": heard["gap_p1"],
        "gap of 50 ms frames, p50": heard["gap_p50"],
        "gap of 50 ms frames, p99": heard["gap_p99"],
    }
    return {name: 1000 * value for name, value in milliseconds.items()} | {"samples": heard["samples"]}


async def clients(bench: Bench, only: list[str], drift: float) -> AsyncIterator[dict[str, Any]]:
    """Measure both SDKs, one after the other for each measure."""
    sdks = [sdk for sdk in PYTHONS if not only or sdk in only]
    for sdk in sdks:
        yield {"measure": "track", "sdk": sdk, **await bench.track(sdk, sdk)}
    for link, fate in LINKS.items():
        for sdk in sdks:
            yield {"measure": "link", "link": link, "sdk": sdk, **await bench.track(sdk, sdk, fate=fate)}
    for sdk in sdks:
        yield {"measure": "agent", "sdk": sdk, **await bench.agent(sdk)}
    for sdk in sdks if drift else []:
        yield {"measure": "drift", "sdk": sdk, **await bench.track(sdk, sdk, seconds=drift, speed=DRIFT)}


async def servers(path: str | None, seconds: float, load: str) -> AsyncIterator[dict[str, Any]]:
    """Measure both servers under the same load."""
    if path is None:
        progress(f"servers are not compared: set {VARIABLE} to the path of livekit-server")
    for crowd in (1, CROWD):
        async with embedded(PYTHONS["ours"]) as server:
            yield {
                "measure": "server",
                "name": server.name,
                "crowd": crowd,
                **await Bench(server, seconds, load).server(crowd),
            }
        if path is not None:
            async with official(path) as server:
                usage = await Bench(server, seconds, load).server(crowd)
                yield {"measure": "server", "name": server.name, "crowd": crowd, **usage}


async def run(arguments: argparse.Namespace) -> Results:
    seconds = 5.0 if arguments.quick else arguments.seconds
    drift = 0.0 if arguments.quick else arguments.drift
    path = official_path()
    results: Results = []

    async def collect(lines: AsyncIterator[dict[str, Any]]) -> None:
        async for line in lines:
            results.append(line)
            progress("  ".join(f"{key}={_short(value)}" for key, value in line.items()))

    if arguments.server == "official" and path is None:
        raise SystemExit(f"set {VARIABLE} to the path of livekit-server")
    async with official(path) if arguments.server == "official" and path else embedded(PYTHONS["ours"]) as server:
        await collect(clients(Bench(server, seconds), arguments.sdk, drift))
    await collect(servers(path, seconds, (arguments.sdk or ["ours"])[0]))
    return results


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.media", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 s for each measure, for a look; writes nothing")
    parser.add_argument("--seconds", type=float, default=60.0, help="seconds of each measure (default: 60)")
    parser.add_argument(
        "--drift", type=float, default=600.0, help="seconds of a source that is 500 ppm fast; 0 for none"
    )
    parser.add_argument("--server", choices=("embedded", "official"), default="embedded", help="the clients' server")
    parser.add_argument("--sdk", nargs="+", choices=tuple(PYTHONS), default=[], help="default: both")
    arguments = parser.parse_args()
    results = asyncio.run(run(arguments))
    print(report.goals(results))
    if not arguments.quick and not arguments.sdk:
        report.write(ROOT / "docs", results)


if __name__ == "__main__":
    main()
