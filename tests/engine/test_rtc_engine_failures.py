"""Rare failures: interrupted joins, leaves that list regions, rejected tokens, lost addresses."""

from __future__ import annotations

import asyncio

import pytest

from livekit.engine import EngineState, local_address
from livekit.errors import ConnectError
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.signaling import SocketName
from livekit.testing import NetworkRelay, TokenServer
from livekit.testing.relay import SignalRelay
from tests.engine.conftest import Join
from tests.engine.recording_listener import TIMEOUT, RecordingListener
from tests.engine.test_rtc_engine_signals import Action, leave, requests_of

CONNECTED, RECONNECTING, DISCONNECTED = EngineState.CONNECTED, EngineState.RECONNECTING, EngineState.DISCONNECTED


def never(name: SocketName) -> bool:
    return False


@pytest.mark.parametrize("action", [Action.RECONNECT, Action.RESUME])
async def test_interrupted_join_is_retried(
    server: TokenServer, room_name: str, options: RoomOptions, action: rtc.LeaveRequest.Action
) -> None:
    async with SignalRelay(server.url) as proxy:
        proxy.dropped_kinds = {"answer"}
        alice = RecordingListener(proxy.url, server.token("alice", room=room_name), options)
        connecting = asyncio.ensure_future(alice.engine.connect())
        await asyncio.wait_for(proxy.request_received.wait(), TIMEOUT)
        proxy.dropped_kinds = set()
        await proxy.inject(leave(action))
        await connecting
        assert proxy.joins == 2
        assert [rejoined for _, rejoined in alice.joins] == [False]
        await alice.engine.close()


async def test_join_interrupted_every_time_raises(server: TokenServer, room_name: str, options: RoomOptions) -> None:
    async with SignalRelay(server.url) as proxy:
        proxy.dropped_kinds = {"answer"}
        alice = RecordingListener(proxy.url, server.token("alice", room=room_name), options)
        connecting = asyncio.ensure_future(alice.engine.connect())
        while not connecting.done():
            proxy.request_received.clear()
            received = asyncio.ensure_future(proxy.request_received.wait())
            await asyncio.wait({received, connecting}, return_when=asyncio.FIRST_COMPLETED)
            received.cancel()
            if not connecting.done():
                await proxy.inject(leave(Action.RECONNECT))
        with pytest.raises(ConnectError):
            await connecting
        assert proxy.joins == 3


async def test_region_of_a_leave_is_joined_if_the_server_is_unreachable(join: Join, server: TokenServer) -> None:
    async with NetworkRelay(server.url) as relay:
        alice = await join("alice", url=relay.url)
        await relay.tcp.refuse()
        await alice.until_state(RECONNECTING)
        request = leave(Action.RECONNECT)
        request.leave.regions.regions.add(url=server.url)
        session = alice.engine._sessions.current
        assert session is not None
        session._handle_signal(request)
        await alice.until(lambda: alice.engine.state is CONNECTED)
        assert str(alice.engine._urls.server) == server.url
        assert [rejoined for _, rejoined in alice.joins] == [False, True]
        await alice.engine.close()


async def test_users_token_is_used_if_the_newest_is_rejected(join: Join) -> None:
    alice = await join("alice")
    await alice.until(lambda: "refresh_token" in alice.signals)
    alice.engine._urls.token = "not.a.token"
    alice.engine.force_reconnect(full=True)
    await alice.until_state(RECONNECTING, CONNECTED)
    assert len(alice.joins) == 2


async def test_lost_address_restarts_ice(join: Join, server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_address, "POLL_INTERVAL", 0.05)
    async with SignalRelay(server.url) as proxy:
        alice, bob = await join("alice", url=proxy.url), await join("bob")
        sid = alice.sid
        exists = local_address.is_local
        monkeypatch.setattr(local_address, "is_local", never)
        await alice.until_state(RECONNECTING)
        monkeypatch.setattr(local_address, "is_local", exists)
        await alice.until(lambda: alice.engine.state is CONNECTED)
        assert len(requests_of(proxy, "offer")) > 0
        assert alice.sid == sid
        alice.send(b"after", "bob")
        await bob.until_received(b"after")
        await alice.engine.close()


async def test_leave_is_sent_over_a_new_signal_connection(join: Join, server: TokenServer) -> None:
    bob = await join("bob")
    async with NetworkRelay(server.url) as relay:
        alice = await join("alice", url=relay.url)
        await relay.tcp.refuse()
        await alice.until_state(RECONNECTING)
        relay.signals.requests.clear()
        bob.signals.clear()
        await relay.tcp.open()
        await alice.engine.close()
        assert requests_of(relay.signals, "leave")
        await bob.until(lambda: "update" in bob.signals)
        assert alice.reason == models.DisconnectReason.CLIENT_INITIATED
