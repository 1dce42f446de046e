"""Calls while signal connections are reset frequently and whole connections are lost occasionally."""

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
RESET_INTERVAL = 0.2
"""Seconds between resets of signal connections, alternating between participants."""
MAX_RESETS_WHILE_LOST = 3
"""Resets of a participant that is reconnecting; with more, reconnecting would never succeed on a busy machine."""
CALL_TIMEOUT = 30.0
CONCURRENT_CALLS = 50


class Disruptions:
    """Resets and losses of two participants, each behind its own relay."""

    def __init__(self, server: DevServer, relays: dict[str, NetworkRelay]) -> None:
        self._server = server
        self._relays = relays
        self.lost = 0
        self._resets_while_lost: Counter[str] = Counter()

    async def reset_signals(self) -> None:
        for identity, relay in itertools.cycle(self._relays.items()):
            await asyncio.sleep(RESET_INTERVAL)
            self._resets_while_lost[identity] += 1
            if self._link_of(identity) is not None:
                self._resets_while_lost[identity] = 0
            if self._resets_while_lost[identity] <= MAX_RESETS_WHILE_LOST:
                relay.tcp.reset()

    async def lose_connections(self, every: float) -> None:
        """Close the server's peer connections, with all unsent data, and reset the WebSocket."""
        for identity, relay in itertools.cycle(self._relays.items()):
            await asyncio.sleep(every)
            link = self._link_of(identity)
            if link is not None:
                relay.tcp.reset()
                await link._transport.close()
                self.lost += 1

    def _link_of(self, identity: str) -> Connection | None:
        """Return a participant's connection; None while it is reconnecting."""
        room = self._server.rooms.get(ROOM)
        participant = None if room is None else room.participants.get(identity)
        if participant is None or participant.state != State.ACTIVE or participant.transport_failed_at is not None:
            return None
        return participant.link if isinstance(participant.link, Connection) else None


@asynccontextmanager
async def running(*tasks: asyncio.Task[None]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


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
        disruptions = Disruptions(server, {"alice": near, "bob": far})
        await _call_many(alice, calls, disruptions, lose_every)
        await alice.disconnect()
        await bob.disconnect()
    ledger.assert_clean()
    assert ledger.outcomes() == {SUCCESS: calls}
    assert disruptions.lost > 1


async def _call_many(alice: Room, calls: int, disruptions: Disruptions, lose_every: float) -> None:
    slots = asyncio.Semaphore(CONCURRENT_CALLS)

    async def call(number: int) -> None:
        async with slots:
            await asyncio.sleep(0.01)
            await alice.local_participant.perform_rpc(
                destination_identity="bob", method="echo", payload=f"call {number}", response_timeout=CALL_TIMEOUT
            )

    async with running(
        asyncio.ensure_future(disruptions.reset_signals()),
        asyncio.ensure_future(disruptions.lose_connections(lose_every)),
    ):
        await asyncio.gather(*(call(number) for number in range(calls)))
        while disruptions.lost < 2:  # noqa: ASYNC110  # the calls may finish first
            await asyncio.sleep(0.1)
