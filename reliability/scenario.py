"""A caller behind an impaired link, a server and a callee, each a process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from livekit.testing import CallLedger, LinkOptions, NetworkRelay, RunningServer
from tools.measurements import percentile

from .ledger_feed import LedgerFeed
from .peers import Event, Peer, Server, peer

CALLER, CALLEE = "caller", "callee"
BUDGET = 20.0
"""Response timeout of the calls in seconds."""

Result = dict[str, Any]

_rooms = itertools.count()


@dataclass
class Scenario:
    """A room with its processes and ledger."""

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
        """Join both participants, the caller through the relay."""
        await self.join_callee()
        await self.join_caller()

    async def join_caller(self) -> None:
        await self.caller.join(CALLER, self.relay.url, self.token(CALLER))

    async def join_callee(self) -> None:
        await self.callee.join(CALLEE, self.server.url, self.token(CALLEE))

    def token(self, identity: str) -> str:
        return RunningServer(self.server.url, "devkey", "secret").token(identity, room=self.room)

    def start_calls(self, *, every: float, count: int, seconds: float = 0.0, budget: float = BUDGET) -> str:
        """Start calls; return the prefix of their names."""
        name = f"{self.room}/{next(self.names)}/"
        about = {"to": CALLEE, "name": name, "every": every, "count": count, "seconds": seconds, "size": 100}
        self.caller.tell(do="call", who=CALLER, budget=budget, **about)
        return name

    async def finish_calls(self) -> None:
        """Stop making calls and wait until all have ended."""
        done = self.caller.expect(event="done", who=CALLER)
        self.caller.tell(do="stop", who=CALLER)
        await asyncio.wait_for(done, BUDGET + 60)

    def result(self) -> Result:
        """Return statistics of all calls so far."""
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
    """Start the processes; they have not joined yet."""
    ledger = CallLedger()
    feed = LedgerFeed(ledger)
    async with (
        NetworkRelay(server.url, seed=seed, link=link) as relay,
        peer(sdk, on_event=feed.take) as caller,
        peer(sdk, on_event=feed.take) as callee,
    ):
        yield Scenario(server, sdk, relay, f"room-{next(_rooms)}", ledger, feed, caller, callee)


class FirstSuccess:
    """Measures the time until a call started from now on succeeds."""

    def __init__(self, feed: LedgerFeed) -> None:
        self._since = time.monotonic()
        self._started: set[str] = set()
        self._found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._journal = feed
        feed.watchers.append(self._see)

    async def seconds(self, limit: float) -> float:
        """Return the seconds until the first success; infinity if it takes longer than `limit`."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._found), limit) - self._since
        except asyncio.TimeoutError:
            return float("inf")
        finally:
            self._journal.watchers.remove(self._see)

    def _see(self, event: Event) -> None:
        # All processes of a machine share its monotonic clock.
        if event["event"] == "started" and event["at"] >= self._since:
            self._started.add(event["call"])
        elif event.get("outcome") == "ok" and event["call"] in self._started and not self._found.done():
            self._found.set_result(event["at"])
