"""Rooms behind a `NetworkRelay` that emulates bad networks, with single and dual peer connections."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack

import pytest

from livekit import Room, RoomOptions
from livekit.server import DevServer
from livekit.testing import CallLedger, LinkOptions, NetworkRelay, TokenServer
from tests.support.rooms import Join

SEED = 11
TIMEOUT = 30.0
"""Seconds that random loss may delay a join or a call."""


@pytest.fixture(params=[None, False], ids=["single", "dual"])
def options(request: pytest.FixtureRequest) -> RoomOptions:
    return RoomOptions(single_peer_connection=request.param, connect_timeout=TIMEOUT)


class Calls:
    """Makes calls from Alice, who is behind a relay, to Bob, who is not."""

    def __init__(self, alice: Room, ledger: CallLedger) -> None:
        self.alice = alice
        self.ledger = ledger

    async def run(self, name: str, count: int, budget: float = TIMEOUT) -> float:
        """Make `count` calls at once and return the duration of the slowest, in seconds."""
        started = asyncio.get_running_loop().time()
        await asyncio.gather(
            *(
                self.alice.local_participant.perform_rpc(
                    destination_identity="bob",
                    method="echo",
                    payload=f"{name} {number}",
                    response_timeout=budget,
                    max_round_trip_latency=budget,
                )
                for number in range(count)
            )
        )
        return asyncio.get_running_loop().time() - started


async def join_with_relay(
    relay: NetworkRelay, server: TokenServer, join: Join, room_name: str, options: RoomOptions
) -> Calls:
    sys.stdout.write(f"seed {relay.seed}\n")
    ledger = CallLedger()
    alice, bob = Room(), await join("bob")
    bob.local_participant.register_rpc_method("echo", lambda data: data.payload)
    ledger.watch(alice, bob)
    await alice.connect(relay.url, server.token("alice", room=room_name), options)
    return Calls(alice, ledger)


async def test_all_packets_pass_the_relay(
    server: TokenServer, join: Join, room_name: str, options: RoomOptions
) -> None:
    async with NetworkRelay(server.url, seed=SEED, link=LinkOptions(delay=0.05, mtu=1472)) as relay:
        calls = await join_with_relay(relay, server, join, room_name, options)
        assert await calls.run("call", 1) >= 0.1
        sent_before = relay.up.sent, relay.down.sent
        await calls.run("more", 10)
        assert relay.up.sent > sent_before[0]
        assert relay.down.sent > sent_before[1]
        await calls.alice.disconnect()
    calls.ledger.assert_clean()


async def test_calls_succeed_with_30_percent_loss(
    server: TokenServer, join: Join, room_name: str, options: RoomOptions
) -> None:
    link = LinkOptions(delay=0.01, loss=0.3, reorder=0.25, duplicate=0.05, mtu=1472)
    async with NetworkRelay(server.url, seed=SEED, link=link) as relay:
        calls = await join_with_relay(relay, server, join, room_name, options)
        await calls.run("call", 100)
        assert relay.up.lost > 0
        assert relay.down.lost > 0
        await calls.alice.disconnect()
    calls.ledger.assert_clean()
    assert calls.ledger.success_rate() == 1.0


async def test_calls_wait_for_the_end_of_an_outage(
    server: TokenServer, join: Join, room_name: str, options: RoomOptions
) -> None:
    async with NetworkRelay(server.url, seed=SEED) as relay:
        calls = await join_with_relay(relay, server, join, room_name, options)
        relay.is_down = True
        pending = asyncio.ensure_future(calls.run("during", 5))
        await asyncio.sleep(1.5)
        assert not pending.done()
        relay.is_down = False
        await pending
        await calls.alice.disconnect()
    calls.ledger.assert_clean()


async def test_calls_survive_a_change_of_address_and_a_reset(
    server: TokenServer, join: Join, room_name: str, options: RoomOptions
) -> None:
    async with NetworkRelay(server.url, seed=SEED) as relay:
        calls = await join_with_relay(relay, server, join, room_name, options)
        await relay.change_address()
        relay.tcp.reset()
        await calls.run("after", 5)
        assert relay.tcp.connections >= 2
        await calls.alice.disconnect()
    calls.ledger.assert_clean()


async def test_calls_are_fast_beside_a_stream_on_a_slow_link(server: TokenServer, join: Join, room_name: str) -> None:
    link = LinkOptions(rate=256_000 / 8, delay=0.025, mtu=1472)
    async with NetworkRelay(server.url, seed=SEED, link=link) as relay:
        calls = await join_with_relay(relay, server, join, room_name, RoomOptions())
        sending = asyncio.ensure_future(_send_indefinitely(calls.alice))
        await asyncio.sleep(3)
        durations = sorted([await calls.run(f"call {number}", 1) for number in range(5)])
        sending.cancel()
        await asyncio.wait({sending})
        await calls.alice.disconnect()
    calls.ledger.assert_clean()
    assert durations[2] < 4.0, (
        "median of five calls, once 8 s and more; the exact figure is measured on an idle machine"
    )


async def _send_indefinitely(room: Room) -> None:
    writer = await room.local_participant.stream_bytes("bulk", topic="bulk", destination_identities=["bob"])
    while True:
        await writer.write(os.urandom(15_000))


async def test_equal_seeds_give_equal_losses(server: TokenServer) -> None:
    async with NetworkRelay(server.url, seed=SEED) as one, NetworkRelay(server.url) as other:
        assert one.seed == SEED
        assert f"seed {other.seed}" in repr(other)
        options = one.link = LinkOptions(loss=0.5)
        assert one.up.options is one.down.options is options
    arrivals: list[list[list[float]]] = []
    for _ in range(2):
        async with NetworkRelay(server.url, seed=SEED, link=LinkOptions(loss=0.5)) as relay:
            arrivals.append([relay.up.arrivals(1, float(now)) for now in range(100)])
    assert arrivals[0] == arrivals[1]


@pytest.mark.parametrize("state", ["connected", "connecting", "reset", "server stopped", "changing address"])
async def test_closing_logs_nothing_and_leaks_nothing(
    no_leaks: None, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    room, joining = Room(), Room()
    work: asyncio.Future[None] | None = None
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DevServer(port=0))
        async with NetworkRelay(server.url) as relay:
            await room.connect(relay.url, server.token("alice", room="demo"))
            if state == "connecting":
                work = asyncio.ensure_future(joining.connect(relay.url, server.token("bob", room="demo")))
                relay.signals.request_received.clear()
                await relay.signals.request_received.wait()
            elif state == "reset":
                relay.tcp.reset()
            elif state == "server stopped":
                await stack.aclose()
            elif state == "changing address":
                work = asyncio.ensure_future(relay.change_address())
        if work is not None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        await asyncio.gather(room.disconnect(), joining.disconnect())
    loud = [record for record in caplog.records if record.name == "asyncio" or record.exc_info]
    assert not loud, loud
