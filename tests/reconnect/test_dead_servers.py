"""A server that is frozen, killed, or restarted without its rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from livekit import Room, RoomOptions, RpcError, RpcInvocationData
from livekit.testing.ledger import CallLedger
from tests.reconnect.server_process import ServerProcess
from tests.support.leaks import Resources
from tests.support.rooms import listed

DETECTION_TIMEOUT = 5.0
RECONNECT_TIMEOUT = 15.0
CLOSE_TIMEOUT = 5.0
OVERHEAD = 5.0
"""Seconds that a busy machine may add to timers."""
OPTIONS = [RoomOptions(), RoomOptions(single_peer_connection=False)]


@pytest.fixture
async def process() -> AsyncIterator[ServerProcess]:
    async with ServerProcess() as process:
        yield process


async def join(process: ServerProcess, identity: str, options: RoomOptions | None = None) -> Room:
    room = Room()
    await room.connect(process.url, process.token(identity), options or RoomOptions())
    return room


def event_of(room: Room, event: str) -> asyncio.Event:
    happened = asyncio.Event()
    room.on(event, lambda *_: happened.set())  # type: ignore[call-overload]  # any event
    return happened


async def within(seconds: float, event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), seconds + OVERHEAD)


@pytest.mark.parametrize(
    ("options", "death"),
    [(OPTIONS[0], "frozen"), (OPTIONS[0], "killed"), (OPTIONS[1], "frozen")],
    ids=["single-frozen", "single-killed", "dual-frozen"],
)
async def test_dead_server_is_detected_without_traffic(
    process: ServerProcess, options: RoomOptions, death: str
) -> None:
    alice = await join(process, "alice", options)
    reconnecting, reconnected = event_of(alice, "reconnecting"), event_of(alice, "reconnected")
    if death == "frozen":
        process.freeze()
    else:
        await process.kill()
    await within(DETECTION_TIMEOUT, reconnecting)
    if death == "frozen":
        process.thaw()
    else:
        await process.start()
    await within(RECONNECT_TIMEOUT, reconnected)
    await alice.disconnect()


async def test_calls_settle_when_the_server_is_killed_and_restarted(process: ServerProcess) -> None:
    alice, bob = Room(), Room()
    ledger = CallLedger()
    ledger.watch(alice, bob)

    @bob.register_rpc_method("slow")
    async def slow(invocation: RpcInvocationData) -> str:
        await asyncio.sleep(0.2)
        return invocation.payload

    for room, identity in ((alice, "alice"), (bob, "bob")):
        await room.connect(process.url, process.token(identity))
    await listed(alice, "bob")
    reconnected = [event_of(room, "reconnected") for room in (alice, bob)]

    async def call(payload: str) -> str:
        try:
            return await alice.local_participant.perform_rpc(
                destination_identity="bob", method="slow", payload=payload, response_timeout=10
            )
        except RpcError as error:
            return f"{error.code}"

    before = [asyncio.ensure_future(call(f"before {number}")) for number in range(20)]
    await asyncio.sleep(0.1)
    await process.kill()
    meanwhile = [asyncio.ensure_future(call(f"meanwhile {number}")) for number in range(20)]
    await process.start()
    for event in reconnected:
        await within(RECONNECT_TIMEOUT, event)
    await listed(alice, "bob")
    assert await call("after") == "after"
    await asyncio.gather(*before, *meanwhile)
    ledger.assert_clean()
    await alice.disconnect()
    await bob.disconnect()


@pytest.mark.parametrize("options", OPTIONS, ids=["single", "dual"])
async def test_disconnect_from_a_frozen_server_is_fast_in_every_phase(
    process: ServerProcess, options: RoomOptions
) -> None:
    resources = Resources.now()
    for phase in ("connected", "resuming", "rejoining"):
        alice = await join(process, "alice", options)
        process.freeze()
        if phase != "connected":
            alice._require_session().engine.force_reconnect(full=phase == "rejoining")
            await asyncio.sleep(0.1)
        await asyncio.wait_for(alice.disconnect(), CLOSE_TIMEOUT + OVERHEAD)
        await resources.assert_restored()
        process.thaw()


async def test_cancelled_connect_to_a_frozen_server_is_fast(process: ServerProcess) -> None:
    resources = Resources.now()
    process.freeze()
    alice = Room()
    connecting = asyncio.ensure_future(alice.connect(process.url, process.token("alice")))
    await asyncio.wait({connecting}, timeout=0.3)
    connecting.cancel()
    await asyncio.wait({connecting}, timeout=CLOSE_TIMEOUT + OVERHEAD)
    assert connecting.cancelled()
    await alice.disconnect()
    await resources.assert_restored()
