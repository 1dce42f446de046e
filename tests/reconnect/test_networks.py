"""Network outages and address changes."""

from __future__ import annotations

import asyncio
import time

import pytest

from livekit import Room, RoomOptions, RpcInvocationData
from livekit.server import DevServer
from livekit.testing.ledger import SUCCESS, CallLedger
from livekit.testing.relay import NetworkRelay
from tests.support.rooms import listed

RECONNECT_TIMEOUT = 5.0
"""Seconds from the link's return to the first new call that succeeds."""
OVERHEAD = 5.0
"""Seconds that a busy machine may add. A client that never reconnects is detected by the timeout of its calls."""
ROOM = "networks"
OPTIONS = [RoomOptions(), RoomOptions(single_peer_connection=False)]


def echo(invocation: RpcInvocationData) -> str:
    return invocation.payload


async def call(room: Room, payload: str, timeout: float = 20.0) -> str:
    return await room.local_participant.perform_rpc(
        destination_identity="bob", method="echo", payload=payload, response_timeout=timeout
    )


@pytest.mark.parametrize("options", OPTIONS, ids=["single", "dual"])
@pytest.mark.parametrize(
    "seconds",
    [3.0, pytest.param(10.0, marks=pytest.mark.slow), pytest.param(45.0, marks=[pytest.mark.slow])],
)
async def test_calls_succeed_after_an_outage(options: RoomOptions, seconds: float) -> None:
    ledger, alice, bob = CallLedger(), Room(), Room()
    ledger.watch(alice, bob)
    bob.register_rpc_method("echo", echo)
    async with DevServer(port=0) as server, NetworkRelay(server.url, seed=1) as relay:
        await bob.connect(server.url, server.token("bob", room=ROOM))
        await alice.connect(relay.url, server.token("alice", room=ROOM), options)
        await listed(alice, "bob")
        relay.is_down = True
        waiting = asyncio.ensure_future(call(alice, "made in the outage", timeout=seconds + 20))
        await asyncio.sleep(seconds)
        relay.is_down = False
        returned = time.monotonic()
        assert [await call(alice, "new"), await waiting] == ["new", "made in the outage"]
        assert time.monotonic() - returned < RECONNECT_TIMEOUT + OVERHEAD
        await alice.disconnect()
        await bob.disconnect()
    ledger.assert_clean()
    assert ledger.outcomes() == {SUCCESS: 2}


@pytest.mark.parametrize("options", OPTIONS, ids=["single", "dual"])
async def test_changed_address_keeps_the_participant(options: RoomOptions) -> None:
    alice, bob = Room(), Room()
    bob.register_rpc_method("echo", echo)
    async with DevServer(port=0) as server, NetworkRelay(server.url, seed=1) as relay:
        await bob.connect(server.url, server.token("bob", room=ROOM))
        await alice.connect(relay.url, server.token("alice", room=ROOM), options)
        await listed(alice, "bob")
        sid = alice.local_participant.sid
        assert await call(alice, "before") == "before"
        await relay.change_address()
        assert await call(alice, "after") == "after"
        assert alice.local_participant.sid == sid
        await alice.disconnect()
        await bob.disconnect()
