"""Loss of the signal connection, of the peer connections, or of both, over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from livekit.engine import EngineState
from livekit.options import RoomOptions
from livekit.protocol import models
from livekit.testing import NetworkRelay, TokenServer
from tests.engine.conftest import Join
from tests.engine.recording_listener import RecordingListener

CONNECTED, RECONNECTING, DISCONNECTED = EngineState.CONNECTED, EngineState.RECONNECTING, EngineState.DISCONNECTED


async def test_lost_signal_connection_is_resumed(join: Join, server: TokenServer) -> None:
    bob = await join("bob")
    async with NetworkRelay(server.url) as relay:
        alice = await join("alice", url=relay.url)
        sid = alice.sid
        relay.tcp.reset()
        await alice.until_state(RECONNECTING, CONNECTED)
        assert relay.tcp.connections == 2
        assert len(alice.joins) == 1
        assert alice.sid == sid
        alice.send(b"after", "bob")
        bob.send(b"back", "alice")
        await bob.until_received(b"after")
        await alice.until_received(b"back")
        await alice.engine.close()


async def test_packets_pass_while_the_signal_connection_is_lost(join: Join, server: TokenServer) -> None:
    bob = await join("bob")
    async with NetworkRelay(server.url) as relay:
        alice = await join("alice", url=relay.url)
        await relay.tcp.refuse()
        await alice.until_state(RECONNECTING)
        alice.send(b"out", "bob")
        bob.send(b"in", "alice")
        await bob.until_received(b"out")
        await alice.until_received(b"in")
        assert alice.engine.state is RECONNECTING
        await relay.tcp.open()
        await alice.until_state(RECONNECTING, CONNECTED)
        assert len(alice.joins) == 1
        await alice.engine.close()


async def test_closed_peer_connection_causes_a_rejoin(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    sid = alice.sid
    await alice.peers[0].close()
    await alice.until_state(RECONNECTING)
    alice.send(b"waits", "bob")
    await alice.until_state(RECONNECTING, CONNECTED)
    assert [rejoined for _, rejoined in alice.joins] == [False, True]
    assert alice.sid != sid
    await bob.until_received(b"waits")
    bob.send(b"hello again", "alice")
    await alice.until_received(b"hello again")


async def test_packets_arrive_once_and_in_order_through_many_resumes(join: Join, server: TokenServer) -> None:
    bob = await join("bob")
    async with NetworkRelay(server.url) as relay:
        alice = await join("alice", url=relay.url)
        wanted = [b"%d" % number for number in range(300)]
        for number, payload in enumerate(wanted):
            alice.send(payload, "bob")
            if number % 100 == 50:
                relay.tcp.reset()
                await alice.until_state(RECONNECTING, CONNECTED)
        await bob.until_received(wanted[-1])
        assert bob.packets == wanted
        await alice.engine.close()


async def test_reconnect_timeout_disconnects(join: Join, server: TokenServer, options: RoomOptions) -> None:
    options.reconnect_timeout = 0.5
    async with NetworkRelay(server.url) as relay:
        alice = await join("alice", url=relay.url)
        await relay.tcp.refuse()
        await alice.until_state(DISCONNECTED)
        assert alice.reason == models.DisconnectReason.SIGNAL_CLOSE
        assert alice.states[-2:] == [RECONNECTING, DISCONNECTED]


async def test_close_while_reconnecting_is_immediate(join: Join, server: TokenServer) -> None:
    async with NetworkRelay(server.url) as relay:
        alice = await join("alice", url=relay.url)
        await relay.tcp.refuse()
        await alice.until_state(RECONNECTING)
        await asyncio.wait_for(alice.engine.close(), 1)
        assert alice.states[-1] is DISCONNECTED


async def test_replaced_participant_does_not_rejoin(join: Join) -> None:
    first = await join("alice")
    await join("alice")
    await first.until_state(DISCONNECTED)
    assert RECONNECTING not in first.states[first.states.index(DISCONNECTED) :]
    assert len(first.joins) == 1


@pytest.mark.parametrize("options", [RoomOptions()], ids=["single"])
async def test_rejected_token_ends_the_attempts(join: Join, server: TokenServer, room_name: str) -> None:
    alice = await join("alice")
    await alice.until(lambda: "refresh_token" in alice.signals)
    regions = alice.engine._urls
    regions.token = regions._user_token = "not.a.token"
    await alice.peers[0].close()
    await alice.until_state(RECONNECTING, DISCONNECTED)
    assert alice.reason == models.DisconnectReason.JOIN_FAILURE


@pytest.mark.parametrize("options", [RoomOptions()], ids=["single"])
async def test_resume_uses_the_join_request_route(join: Join, server: TokenServer) -> None:
    async with NetworkRelay(server.url) as relay:
        alice: RecordingListener = await join("alice", url=relay.url)
        relay.tcp.reset()
        await alice.until_state(RECONNECTING, CONNECTED)
        assert all(path.startswith("/rtc/v1?join_request=") for path in relay.signals.paths)
        await alice.engine.close()
