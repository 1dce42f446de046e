"""A caller behind a bad link, a callee, a server between them: each a process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from livekit.testing import CallLedger, LinkOptions, NetworkRelay, RunningServer

from .figures import percentile
from .ledger_feed import LedgerFeed
from .peers import Event, Peer, Server, peer

CALLER, CALLEE = "caller", "callee"
BUDGET = 20.0
"""Seconds that each call has."""

Result = dict[str, Any]

_rooms = itertools.count()


@dataclass
class Scenario:
    """One room of its own, with its ledger."""

    server: Server
    sdk: str
    relay: NetworkRelay
    room: str
    ledger: CallLedger
    feed: LedgerFeed
    caller: Peer
    callee: Peer
    names: itertools.count[int] = field(default_factory=itertools.count)

    async def join(self) -> None:
        """Bring both into the room, the caller over the relay."""
        await self.join_callee()
        await self.join_caller()

    async def join_caller(self) -> None:
        await self.caller.join(CALLER, self.relay.url, self.token(CALLER))

    async def join_callee(self) -> None:
        await self.callee.join(CALLEE, self.server.url, self.token(CALLEE))

    def token(self, identity: str) -> str:
        return RunningServer(self.server.url, "devkey", "secret").token(identity, room=self.room)

    def start_calls(self, *, every: float, count: int, seconds: float = 0.0, budget: float = BUDGET) -> str:
        """Have the caller call; returns what these calls' names begin with."""
        name = f"{self.room}/{next(self.names)}/"
        about = {"to": CALLEE, "name": name, "every": every, "count": count, "seconds": seconds, "size": 100}
        self.caller.tell(do="call", who=CALLER, budget=budget, **about)
        return name

    async def finish_calls(self) -> None:
        """Wait until all calls have ended; no new ones are made."""
        done = self.caller.expect(event="done", who=CALLER)
        self.caller.tell(do="stop", who=CALLER)
        await asyncio.wait_for(done, BUDGET + 60)

    def result(self) -> Result:
        """The figures of all calls so far."""
        taken = sorted(entry.seconds for entry in self.ledger.entries.values() if entry.outcomes == ["ok"])
        return {
            "seed": self.relay.seed,
            "calls": len(self.ledger.entries),
            "outcomes": dict(self.ledger.outcomes()),
            "success": self.ledger.success_rate(),
            "p50": percentile(taken, 0.5),
            "p99": percentile(taken, 0.99),
            "max": percentile(taken, 1.0),
            "violations": self.ledger.violations(),
        }


@contextlib.asynccontextmanager
async def scenario(server: Server, sdk: str, seed: int, link: LinkOptions | None = None) -> AsyncGenerator[Scenario]:
    """Processes that are started and have joined nothing yet."""
    ledger = CallLedger()
    feed = LedgerFeed(ledger)
    async with (
        NetworkRelay(server.url, seed=seed, link=link) as relay,
        peer(sdk, on_event=feed.take) as caller,
        peer(sdk, on_event=feed.take) as callee,
    ):
        yield Scenario(server, sdk, relay, f"room-{next(_rooms)}", ledger, feed, caller, callee)


class FirstSuccess:
    """When a call that was started after some moment first succeeded."""

    def __init__(self, feed: LedgerFeed) -> None:
        self._since = time.monotonic()
        self._started: set[str] = set()
        self._found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._journal = feed
        feed.watchers.append(self._see)

    async def seconds(self, limit: float) -> float:
        """From that moment on; infinite if it takes longer than `limit`."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._found), limit) - self._since
        except asyncio.TimeoutError:
            return float("inf")
        finally:
            self._journal.watchers.remove(self._see)

    def _see(self, event: Event) -> None:
        # Clocks of one machine's processes are the same one.
        if event["event"] == "started" and event["at"] >= self._since:
            self._started.add(event["call"])
        elif event.get("outcome") == "ok" and event["call"] in self._started and not self._found.done():
            self._found.set_result(event["at"])
