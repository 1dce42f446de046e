"""`make soak`: steady calls for an hour; memory, tasks and descriptors are compared before and after."""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from livekit.testing import RunningServer
from livekit.testing.ledger import SUCCESS, CallLedger
from tools.measurements import percentile
from tools.progress import progress

from .ledger_feed import LedgerFeed
from .outcome import finish
from .peers import ROOT, Peer, Server, peer

PAIR_RATE = 50.0
"""Calls per second between two participants."""
PAIR = {"alice": "bob", "bob": "alice"}
CROWD = 50
"""Participants of the large room."""
CROWD_EVERY = 5.0
"""Seconds between two calls of each of them to its neighbour."""
FILL = 140_000
"""Calls of the pair before the soak, so that the callee's deduplication table is full."""
CROWD_FILL = 3_000
"""Calls of each other participant before the soak, so that the resend buffers, bounded in bytes, are full."""
SETTLE = 20.0
"""Seconds of steady calls, and then of silence, before the first sample."""
MAX_GROWTH_KIB = 5 * 1024
BACK_TO_BASE = ("tasks", "descriptors", "pending")

Stats = dict[str, int]


@dataclass
class Soak:
    """A soak test."""

    seconds: float
    fill: int
    ledger: CallLedger = field(default_factory=CallLedger)
    samples: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def run(self) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(Server())
            tokens = RunningServer(server.url, "devkey", "secret")
            feed = LedgerFeed(self.ledger)
            peers = {
                name: await stack.enter_async_context(peer("ours", on_event=feed.take)) for name in (*PAIR, "crowd")
            }
            processes = {**peers, "server": server.peer}
            for who in PAIR:
                await peers[who].join(who, server.url, tokens.token(who, room="pair"))
            for number in range(CROWD):
                token = tokens.token(f"p{number}", room="crowd")
                await peers["crowd"].join(f"p{number}", server.url, token)
            await self._fill(peers)
            await self._steady(peers, SETTLE, "warm-up/")
            before = await self._stats(processes, "before")
            sampler = asyncio.create_task(self._sample(processes))
            await self._steady(peers, self.seconds, "soak/")
            sampler.cancel()
            await asyncio.wait({sampler})
            after = await self._stats(processes, "after")
        return self._result(before, after)

    async def _fill(self, peers: dict[str, Peer]) -> None:
        """Make calls as fast as possible until every table and buffer with a bound is full."""
        progress("filling bounded tables and buffers with calls")
        callers = [(who, self.fill // 2, 32) for who in PAIR]
        callers += [(f"p{number}", min(CROWD_FILL, self.fill), 2) for number in range(CROWD)]
        done: list[asyncio.Future[Any]] = []
        for who, count, width in callers:
            one, to = _route(peers, who)
            done.append(one.expect(event="hurried", who=who))
            one.tell(do="hurry", who=who, to=to, name=f"fill/{who}/", width=width, count=count)
        for hurried in done:
            outcomes = (await hurried)["outcomes"]
            if set(outcomes) - {SUCCESS}:
                raise RuntimeError(f"calls before the soak failed: {outcomes}")

    async def _steady(self, peers: dict[str, Peer], seconds: float, name: str) -> None:
        """Make calls at a steady rate, then wait silently."""
        callers = [(who, 2 / PAIR_RATE) for who in PAIR]
        callers += [(f"p{number}", CROWD_EVERY) for number in range(CROWD)]
        done: list[asyncio.Future[Any]] = []
        for who, every in callers:
            one, to = _route(peers, who)
            done.append(one.expect(event="done", who=who))
            count = int(seconds / every)
            call = {"to": to, "name": f"{name}{who}/", "every": every, "budget": 15.0, "seconds": 0.0, "size": 80}
            one.tell(do="call", who=who, count=count, **call)
        await asyncio.gather(*done)
        await asyncio.sleep(min(SETTLE, seconds))

    async def _sample(self, processes: dict[str, Peer]) -> None:
        started = time.monotonic()
        pause = min(60.0, self.seconds / 10)
        while True:
            await asyncio.sleep(pause)
            await self._stats(processes, f"{time.monotonic() - started:.0f} s")

    async def _stats(self, processes: dict[str, Peer], when: str) -> dict[str, Stats]:
        counted = {name: await one.stats() for name, one in processes.items()}
        self.samples.append({"when": when, **counted})
        memory = "  ".join(f"{name} {stats['rss_kib'] / 1024:.1f} MiB" for name, stats in counted.items())
        failed = {outcome: n for outcome, n in self.ledger.outcomes().items() if outcome != SUCCESS}
        progress(f"{when}: {memory}  {len(self.ledger.entries)} calls, not ok: {failed or 'none'}")
        return counted

    def _result(self, before: dict[str, Stats], after: dict[str, Stats]) -> dict[str, Any]:
        taken = sorted(entry.seconds for entry in self.ledger.entries.values())
        problems = self.ledger.violations()[:20]
        problems += [f"{n} calls: {what}" for what, n in self.ledger.outcomes().items() if what != SUCCESS]
        for name, stats in after.items():
            grown = stats["rss_kib"] - before[name]["rss_kib"]
            if grown > MAX_GROWTH_KIB:
                problems.append(f"{name} grew by {grown} KiB")
            problems += [
                f"{name}: {stats[what]} {what}, before {before[name][what]}"
                for what in BACK_TO_BASE
                if stats[what] > before[name][what]
            ]
        return {
            "seconds": self.seconds,
            "calls": len(taken),
            "ok": self.ledger.outcomes()[SUCCESS],
            "p50_ms": percentile(taken, 0.5) * 1000,
            "p99_ms": percentile(taken, 0.99) * 1000,
            "max_ms": taken[-1] * 1000,
            "before": before,
            "after": after,
            "problems": problems,
            "samples": self.samples,
        }


def _route(peers: dict[str, Peer], who: str) -> tuple[Peer, str]:
    """Return a participant's process and the identity it calls."""
    if who in PAIR:
        return peers[who], PAIR[who]
    return peers["crowd"], f"p{(int(who[1:]) + 1) % CROWD}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m reliability.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--fill", type=int, default=FILL, help="calls before the soak that fill bounded tables")
    parser.add_argument("--output", default=str(ROOT / "docs/soak.json"))
    arguments = parser.parse_args()
    result = asyncio.run(Soak(arguments.seconds, arguments.fill).run())
    finish(result, arguments.output, "no call lost or run twice, nothing leaked")


if __name__ == "__main__":
    main()
