"""`make bench`: all competitors side by side in one run, compared as ratios because machines are noisy.

Each participant, the server and each competitor is a separate process. Runs on the embedded server, and also on the
server of LIVEKIT_URL if that is set. Writes docs/benchmarks.md, .json and .svg.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit.api import AccessToken, VideoGrants
from tools.progress import progress

from . import report
from .processes import Program, program

ROOT = Path(__file__).resolve().parent.parent
OURS = sys.executable
OFFICIAL = os.environ.get("OFFICIAL_PYTHON") or str(ROOT / ".venvs/official/bin/python")

FAST = {
    "latency": {"100": 10_000, "10000": 1_000, "100000": 200, "256000": 100},
    "throughput": {"1": 2_000, "16": 8_000, "64": 16_000, "256": 16_000, "1000": 16_000},
    "connects": 20,
}
SLOW = {
    "latency": {"100": 1_000, "10000": 200, "100000": 40, "256000": 20},
    "throughput": {"1": 500, "16": 1_500, "64": 1_500, "256": 1_500, "1000": 2_000},
    "connects": 10,
}
RINGS = (2, 10, 50, 100, 200)
ROOMS = (1, 10, 50, 100)

Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Server:
    name: str
    url: str
    key: str
    secret: str
    program: Program | None = None

    def token(self, identity: str, room: str) -> str:
        grants = VideoGrants(room_join=True, room=room)
        return AccessToken(self.key, self.secret).with_identity(identity).with_grants(grants).to_jwt()

    async def usage(self) -> dict[str, Any] | None:
        """Return CPU seconds and memory so far; None for a server that this program did not start."""
        if self.program is None:
            return None
        self.program.go_on()
        return await self.program.read()


@asynccontextmanager
async def embedded() -> AsyncIterator[Server]:
    async with program(OURS, "server") as running:
        first = await running.read()
        assert first is not None
        yield Server("embedded", first["url"], "devkey", "secret", running)


def scaled(job: dict[str, Any], share: float) -> dict[str, Any]:
    return {
        "latency": {size: max(5, int(count * share)) for size, count in job["latency"].items()},
        "throughput": {width: max(int(width), int(count * share)) for width, count in job["throughput"].items()},
        "connects": max(3, int(job.get("connects", 0) * share)),
    }


async def collect(running: Program, **about: Any) -> Results:
    results: Results = []
    async for line in running.lines():
        results.append({**about, **line})
        progress("  ".join(f"{key}={_short(value)}" for key, value in results[-1].items()))
    return results


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


async def calls(server: Server, caller: str, callee: str, job: dict[str, Any]) -> Results:
    """Measure one SDK calling another through a server."""
    pythons = {"ours": OURS, "official": OFFICIAL}
    room = f"bench-{secrets.token_hex(4)}"
    async with program(pythons[callee], "worker", "callee", server.url, server.token("callee", room)) as answering:
        await answering.read()
        await asyncio.sleep(0 if server.name == "embedded" else 4)  # a real server announces late
        token = server.token("caller", room)
        async with program(pythons[caller], "worker", "caller", server.url, token, json.dumps(job)) as calling:
            return await collect(calling, subject=f"{caller} → {callee}", server=server.name)


async def grpc(job: dict[str, Any]) -> Results:
    async with program(OURS, "grpc_echo", "callee") as answering:
        first = await answering.read()
        assert first is not None
        async with program(OURS, "grpc_echo", "caller", str(first["port"]), json.dumps(job)) as calling:
            return await collect(calling, subject="grpc.aio direct", server="none")


async def udp(count: int) -> Results:
    async with program(OURS, "udp_hops", "relay", "0", "0") as relay:
        first = await relay.read()
        assert first is not None
        port = str(first["port"])
        async with program(OURS, "udp_hops", "callee", port, "0") as answering:
            await answering.read()
            await asyncio.sleep(0.2)
            async with program(OURS, "udp_hops", "caller", port, str(count)) as calling:
                return await collect(calling, subject="bare UDP, four hops", server="none")


async def growth(rings: tuple[int, ...], rooms: tuple[int, ...], total: int) -> Results:
    """Measure scaling: larger rooms, and more rooms of two."""
    results: Results = []
    for count, size in [(1, size) for size in rings] + [(count, 2) for count in rooms[1:]]:
        async with embedded() as server:
            before = await server.usage()
            groups = [[server.token(f"p{n}", f"room-{room}") for n in range(size)] for room in range(count)]
            results.append(await ring(server, groups, max(2, total // (size * count)), before))
            progress(f"{count} rooms of {size}: {results[-1]}")
    return results


async def ring(server: Server, groups: list[list[str]], calls_each: int, before: Any) -> dict[str, Any]:
    """Measure rooms whose participants each call their neighbour; all clients are one process."""
    participants = sum(len(group) for group in groups)
    async with program(OURS, "worker", "ring", server.url, json.dumps(groups), str(calls_each)) as running:
        await running.read()
        connected = await server.usage()
        running.go_on()
        line = await running.read()
        after = await server.usage()
        running.go_on()
    assert line is not None
    assert connected is not None
    assert after is not None
    return {
        "measure": "growth",
        "rooms": len(groups),
        "participants": participants,
        "per_second": line["per_second"],
        "client_cpu_us": line["cpu_us"],
        "server_cpu_us": (after["cpu"] - connected["cpu"]) / (calls_each * participants) * 1e6,
        "server_kib_per_participant": (connected["rss_kib"] - before["rss_kib"]) / participants,
    }


def installed() -> Results:
    """Return the bytes on disk of each SDK with its dependencies."""
    results: Results = []
    for name, python, distribution in (("ours", OURS, "livekit-pure"), ("official", OFFICIAL, "livekit")):
        output = subprocess.run(
            [python, str(ROOT / "bench/size.py"), distribution, "livekit-api"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        results.append({"measure": "installed", "subject": name, **json.loads(output)})
    return results


async def run(arguments: argparse.Namespace) -> Results:
    share = 0.05 if arguments.quick else 1.0
    results = installed()
    async with embedded() as server:
        for caller, callee, job in (
            ("ours", "ours", FAST),
            ("official", "official", SLOW),
            ("ours", "official", SLOW),
            ("official", "ours", SLOW),
        ):
            progress(f"{caller} → {callee} on the embedded server")
            results += await calls(server, caller, callee, scaled(job, share))
        progress("ours → ours again, 100 B")
        many = {"latency": {"100": 5_000 if arguments.quick else 100_000}, "throughput": {}, "connects": 0}
        results += [{**line, "long": True} for line in await calls(server, "ours", "ours", many)]
    url = os.environ.get("LIVEKIT_URL")
    if url:
        real = Server("LIVEKIT_URL", url, os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])
        for name, job in (("ours", FAST), ("official", SLOW)):
            progress(f"{name} → {name} on {url}")
            results += await calls(real, name, name, scaled(job, share))
    progress("grpc.aio")
    results += await grpc(scaled(FAST, share))
    progress("bare UDP")
    results += await udp(int(20_000 * share))
    if not arguments.quick:
        results += await growth(RINGS, ROOMS, 20_000)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the calls, for a look; writes nothing")
    arguments = parser.parse_args()
    results = asyncio.run(run(arguments))
    print(report.ratios(results))
    if not arguments.quick:
        report.write(ROOT / "docs", results)


if __name__ == "__main__":
    main()
