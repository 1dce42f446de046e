"""A flood of thousands of calls per second at a slow handler, and a quiet caller beside it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from livekit.testing import CallLedger, RunningServer
from tools.measurements import cpu_seconds, percentile, rss_kib
from tools.progress import progress

from .call_counts import CallCounter
from .ledger_feed import LedgerFeed
from .peers import Event, Peer, Server, peer
from .scenario import Result

RATE = 5_000.0
"""Calls per second of all flooding callers together."""
FLOODERS = ("flooder-1", "flooder-2", "flooder-3")
LASTING = 60.0
"""Seconds of the flood."""
WORK = 0.1
"""Seconds per handler run."""
BUDGET = 5.0
"""Response timeout of the flood's calls in seconds."""
MAX_EACH = 25
MAX_ALL = 100
"""Concurrent handlers per caller and in total, so that a slot is always free for a caller that does not flood."""
QUIET = "quiet"
QUIET_EVERY = 0.05
QUIET_BUDGET = 15.0
IDLE = 10.0
"""Seconds of quiet calls before the flood."""
AFTERWARDS = 30.0
"""Seconds of quiet calls after it."""
STEADY = 20
"""Consecutive quiet calls as fast as before that mark recovery."""
CALLEE = "callee"
MAX_GROWTH_KIB = 64 * 1024
MAX_SLOWER = 2.0
MAX_RECOVERY = 2.0

Span = tuple[float, float, str]
"""A quiet call's start, duration in seconds and outcome."""


@dataclass
class Flood:
    """A flood and its processes."""

    sdk: str
    lasting: float
    rate: float = RATE
    idle: float = IDLE
    afterwards: float = AFTERWARDS
    flooders: Sequence[str] = FLOODERS
    ledger: CallLedger = field(default_factory=CallLedger)
    quiet: list[Span] = field(default_factory=list[Span])
    peers: dict[str, Peer] = field(default_factory=dict[str, Peer])
    memory: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Resident memory in KiB by process, sampled every half second."""

    async def run(self) -> Result:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(Server())
            await self._join(stack, server)
            watched = {name: one.process.pid for name, one in (*self.peers.items(), ("server", server.peer))}
            before = {name: rss_kib(pid) for name, pid in watched.items()}
            sampler = asyncio.create_task(self._sample(watched))
            stack.callback(sampler.cancel)
            self._call_quietly()
            await asyncio.sleep(self.idle)
            used = {name: cpu_seconds(pid) for name, pid in watched.items()}
            ends, drained = self._start()
            end = max(event["at"] for event in await asyncio.gather(*ends))
            used = {name: cpu_seconds(pid) - used[name] for name, pid in watched.items()}
            made = {event["who"]: event for event in await asyncio.gather(*drained)}
            await asyncio.sleep(self.afterwards)
            await self._stop_quiet_calls()
            after = {name: rss_kib(pid) for name, pid in watched.items()}
            pending = {name: (await one.stats())["pending"] for name, one in self.peers.items()}
            handled = await self._handled()
        memory = {
            name: {"before": before[name], "peak": max(self.memory[name]), "after": after[name]} for name in watched
        }
        cpu = {name: seconds / self.lasting for name, seconds in used.items()}
        result: Result = {"sdk": self.sdk, "seconds": self.lasting, "memory_kib": memory, "processors": cpu}
        return result | {"pending": pending} | self._calls(made, handled) | self._quiet_calls(end)

    async def _join(self, stack: AsyncExitStack, server: Server) -> None:
        tokens = RunningServer(server.url, "devkey", "secret")
        feed = LedgerFeed(self.ledger)
        feed.watchers.append(self._see)
        limits = {"max_concurrent_calls": MAX_ALL, "max_concurrent_calls_per_caller": MAX_EACH}
        for who in (CALLEE, QUIET, *self.flooders):
            one = self.peers[who] = await stack.enter_async_context(peer(self.sdk, on_event=feed.take))
            limited = who == CALLEE and self.sdk == "ours"
            await one.join(who, server.url, tokens.token(who, room="flood"), limits=limits if limited else None)

    def _see(self, event: Event) -> None:
        if event["event"] == "settled":
            self.quiet.append((event["at"] - event["seconds"], event["seconds"], event["outcome"]))

    async def _sample(self, watched: Mapping[str, int]) -> None:
        while True:
            for name, pid in watched.items():
                with contextlib.suppress(OSError, StopIteration):
                    self.memory.setdefault(name, []).append(rss_kib(pid))
            await asyncio.sleep(0.5)

    def _call_quietly(self) -> None:
        about = {"to": CALLEE, "name": "quiet/", "every": QUIET_EVERY, "count": 1 << 20, "size": 100}
        self.peers[QUIET].tell(do="call", who=QUIET, budget=QUIET_BUDGET, seconds=WORK, **about)

    async def _stop_quiet_calls(self) -> None:
        done = self.peers[QUIET].expect(event="done", who=QUIET)
        self.peers[QUIET].tell(do="stop", who=QUIET)
        await asyncio.wait_for(done, QUIET_BUDGET + 60)

    def _start(self) -> tuple[list[asyncio.Future[Event]], list[asyncio.Future[Event]]]:
        """Start the flood; return futures for the end of sending and for the end of all calls, one per flooder."""
        ends: list[asyncio.Future[Event]] = []
        drained: list[asyncio.Future[Event]] = []
        for who in self.flooders:
            one = self.peers[who]
            ends.append(one.expect(event="flooded", who=who))
            drained.append(one.expect(event="drained", who=who))
            about = {"to": CALLEE, "budget": BUDGET, "seconds": WORK}
            one.tell(do="flood", who=who, rate=self.rate / len(self.flooders), lasting=self.lasting, **about)
        return ends, drained

    async def _handled(self) -> Event:
        answer = self.peers[CALLEE].expect(event="handled", who=CALLEE)
        self.peers[CALLEE].tell(do="handled", who=CALLEE)
        return await answer

    def _calls(self, made: Mapping[str, Event], handled: Event) -> Result:
        """Return the outcomes of the flood's calls and the violations."""
        outcomes: Counter[str] = Counter()
        broken: Counter[str] = Counter()
        for who, event in made.items():
            outcomes.update(event["outcomes"])
            settled, succeeded = CallCounter(event["settled"]), CallCounter(event["succeeded"])
            invoked, returned = (CallCounter(handled[what].get(who, "")) for what in ("invoked", "returned"))
            for number in range(event["offered"]):
                broken["more or less than one outcome"] += settled[number] != 1
                broken["ran more than once"] += invoked[number] > 1
                broken["succeeded without having run to the end"] += succeeded[number] > returned[number]
        return {
            "offered": sum(event["offered"] for event in made.values()),
            "outcomes": dict(outcomes),
            "violations": [f"{count} calls {what}" for what, count in broken.items() if count],
            "late": sum(event["late"] for event in made.values()),
            "pause": max(event["pause"] for event in made.values()),
            "most_at_once": handled["most"],
            "longest": max(event["longest"] for event in made.values()),
            "drained": max(event["seconds"] for event in made.values()),
        }

    def _quiet_calls(self, end: float) -> Result:
        """Return the quiet caller's latencies before, during and after the flood."""
        begin = end - self.lasting
        spans = sorted(self.quiet)
        idle = sorted(took for at, took, _ in spans if at + took < begin)
        during = sorted(took for at, took, _ in spans if begin <= at < end)
        failed = Counter(outcome for _, _, outcome in spans if outcome != "ok")
        return {
            "quiet_calls": len(spans),
            "quiet_failed": dict(failed),
            "quiet_violations": self.ledger.violations()[:20],
            **{
                f"{when}_{name}": percentile(taken, share)
                for when, taken in (("idle", idle), ("during", during))
                for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
            },
            "recovery": recovery([span for span in spans if span[0] >= end], end, MAX_SLOWER * percentile(idle, 0.99)),
        }


def recovery(after: list[Span], end: float, limit: float) -> float:
    """Return the seconds from `end` until `STEADY` consecutive calls are answered within `limit`; infinity if never."""
    for number in range(len(after) - STEADY + 1):
        if all(outcome == "ok" and took <= limit for _, took, outcome in after[number : number + STEADY]):
            return max(0.0, after[number][0] - end) if number else 0.0
    return float("inf")


async def run(sdk: str, rounds: int, seed: int) -> list[Result]:
    """Run `rounds` floods. They use no randomness."""
    results: list[Result] = []
    for _ in range(rounds):
        result = await Flood(sdk, LASTING).run()
        results.append(result)
        progress(
            f"{sdk}: offered {result['offered']}, {result['outcomes']}, {result['late']} late, {result['violations']}, "
            f"quiet p99 {result['idle_p99']:.2f} s before, {result['during_p99']:.2f} s during, "
            f"{result['quiet_failed']} failed, recovery {result['recovery']:.2f} s"
        )
    return results
