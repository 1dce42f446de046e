"""Calls while the signal connection is cut again and again, and now and then the whole connection is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from livekit import Room, RpcInvocationData
from livekit.server import DevServer
from livekit.server.connection import Connection
from livekit.server.participant import State
from livekit.testing import CallLedger, NetworkRelay
from livekit.testing.ledger import SUCCESS
from tests.support.rooms import listed

ROOM = "cuts"
CUT_EVERY = 0.2
"""Seconds between two cuts of signal connections, in turns."""
CUTS_WHILE_AWAY = 3
"""So often is who comes back from a loss cut off again; where the machine is busy, nobody ever would come back else."""
BUDGET = 30.0
AT_ONCE = 50
"""Calls."""


class Cuts:
    """Two participants, each behind a relay of its own."""

    def __init__(self, server: DevServer, relays: dict[str, NetworkRelay]) -> None:
        self._server = server
        self._relays = relays
        self.lost = 0
        self._cut_while_away: Counter[str] = Counter()

    async def cut_signals(self) -> None:
        for identity, relay in itertools.cycle(self._relays.items()):
            await asyncio.sleep(CUT_EVERY)
            self._cut_while_away[identity] += 1
            if self._link_of(identity) is not None:
                self._cut_while_away[identity] = 0
            if self._cut_while_away[identity] <= CUTS_WHILE_AWAY:
                relay.tcp.reset()

    async def lose_connections(self, every: float) -> None:
        """The server's side is gone with all that it was sending, and so is the WebSocket."""
        for identity, relay in itertools.cycle(self._relays.items()):
            await asyncio.sleep(every)
            link = self._link_of(identity)
            if link is not None:
                relay.tcp.reset()
                await link._transport.close()
                self.lost += 1

    def _link_of(self, identity: str) -> Connection | None:
        """None for who has not come back from the last loss."""
        room = self._server.rooms.get(ROOM)
        participant = None if room is None else room.participants.get(identity)
        if participant is None or participant.state != State.ACTIVE or participant.transport_failed_at is not None:
            return None
        return participant.link if isinstance(participant.link, Connection) else None


@asynccontextmanager
async def going_on(*troubles: asyncio.Task[None]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        for trouble in troubles:
            trouble.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await trouble


@pytest.mark.parametrize(
    ("calls", "lose_every"),
    [(300, 1.0), pytest.param(10_000, 10.0, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
async def test_every_call_succeeds_and_runs_once(calls: int, lose_every: float) -> None:
    ledger = CallLedger()
    alice, bob = Room(), Room()
    ledger.watch(alice, bob)

    @bob.register_rpc_method("echo")
    async def echo(invocation: RpcInvocationData) -> str:
        await asyncio.sleep(0.02)
        return invocation.payload

    async with DevServer(port=0) as server, NetworkRelay(server.url) as near, NetworkRelay(server.url) as far:
        await bob.connect(far.url, server.token("bob", room=ROOM))
        await alice.connect(near.url, server.token("alice", room=ROOM))
        await listed(alice, "bob")
        cuts = Cuts(server, {"alice": near, "bob": far})
        await _call_many(alice, calls, cuts, lose_every)
        await alice.disconnect()
        await bob.disconnect()
    ledger.assert_clean()
    assert ledger.outcomes() == {SUCCESS: calls}
    assert cuts.lost > 1


async def _call_many(alice: Room, calls: int, cuts: Cuts, lose_every: float) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def call(number: int) -> None:
        async with places:
            await asyncio.sleep(0.01)
            await alice.local_participant.perform_rpc(
                destination_identity="bob", method="echo", payload=f"call {number}", response_timeout=BUDGET
            )

    async with going_on(
        asyncio.ensure_future(cuts.cut_signals()), asyncio.ensure_future(cuts.lose_connections(lose_every))
    ):
        await asyncio.gather(*(call(number) for number in range(calls)))
        while cuts.lost < 2:  # noqa: ASYNC110  # the calls may be over first
            await asyncio.sleep(0.1)
