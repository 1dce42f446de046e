"""A room whose node is killed, behind a balancer: its participants meet again on another node."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

import pytest

from livekit import Room, RpcError, RpcInvocationData
from livekit.testing.ledger import CallLedger
from tests.reconnect.balancer import Balancer
from tests.reconnect.server_process import ServerProcess
from tests.support.rooms import listed

INTERVAL = 0.05
"""Seconds between two calls."""
TIMEOUT = 30.0
"""Seconds that each call has."""


class Caller:
    """Calls Bob at intervals and records the outcomes, of calls made while connected and of later ones."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.before: Counter[str] = Counter()
        self.after: Counter[str] = Counter()
        self.lost = False
        room.on("reconnecting", self.on_reconnecting)

    def on_reconnecting(self) -> None:
        self.lost = True

    async def run(self, stop: asyncio.Event) -> None:
        calls: list[asyncio.Task[None]] = []
        while not stop.is_set():
            calls.append(asyncio.ensure_future(self.call(self.after if self.lost else self.before)))
            await asyncio.sleep(INTERVAL)
        await asyncio.gather(*calls)

    async def call(self, outcomes: Counter[str]) -> None:
        question = uuid.uuid4().hex
        try:
            answer = await self.room.local_participant.perform_rpc(
                destination_identity="bob", method="echo", payload=question, response_timeout=TIMEOUT
            )
            outcomes["answer" if answer == question else "another answer"] += 1
        except RpcError as error:
            outcomes[f"{error.code}"] += 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("head_start", [-0.3, 0.3], ids=["caller-first", "callee-first"])
async def test_no_unsent_call_is_lost_with_the_rooms_node(head_start: float) -> None:
    """Either of the two is back first: the other's network comes back later by `head_start` seconds."""
    async with (
        ServerProcess() as node,
        ServerProcess() as spare,
        Balancer([node.port, spare.port]) as alices,
        Balancer([node.port, spare.port]) as bobs,
    ):
        alice, bob = Room(), Room()
        ledger = CallLedger()
        ledger.watch(alice, bob)
        bob.register_rpc_method("echo", echo)
        for room, identity, balancer in ((alice, "alice", alices), (bob, "bob", bobs)):
            await room.connect(f"ws://127.0.0.1:{balancer.port}", node.token(identity))
        await listed(alice, "bob")
        back = {room: asyncio.Event() for room in (alice, bob)}
        for room, event in back.items():
            room.on("reconnected", event.set)
        late = alices if head_start > 0 else bobs
        caller, stop = Caller(alice), asyncio.Event()
        calling = asyncio.ensure_future(caller.run(stop))
        await asyncio.sleep(5 * INTERVAL)
        late.delay = abs(head_start)
        await node.kill()
        await asyncio.gather(*(event.wait() for event in back.values()))
        await listed(alice, "bob")
        stop.set()
        await calling
        assert caller.after.keys() == {"answer"}, "calls made while reconnecting"
        assert caller.before.keys() <= {"answer", "1502", "1503"}, "what was sent and lost fails"
        ledger.assert_clean()
        await alice.disconnect()
        await bob.disconnect()


def echo(invocation: RpcInvocationData) -> str:
    return invocation.payload
