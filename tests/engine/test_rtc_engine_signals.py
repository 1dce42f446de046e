"""Signal messages of a server, injected by a relay."""

from __future__ import annotations

import asyncio

import pytest

from livekit.engine import EngineState
from livekit.errors import ConnectError, ConnectTimeoutError
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.testing import TokenServer
from livekit.testing.relay import SignalRelay
from tests.engine.conftest import Join
from tests.engine.recording_listener import TIMEOUT, RecordingListener

CONNECTED, RECONNECTING, DISCONNECTED = EngineState.CONNECTED, EngineState.RECONNECTING, EngineState.DISCONNECTED
Action = rtc.LeaveRequest.Action


def leave(action: rtc.LeaveRequest.Action, *, can_reconnect: bool = False) -> rtc.SignalResponse:
    reason = models.DisconnectReason.SERVER_SHUTDOWN
    return rtc.SignalResponse(leave=rtc.LeaveRequest(action=action, reason=reason, can_reconnect=can_reconnect))


def requests_of(proxy: SignalRelay, kind: str) -> list[rtc.SignalRequest]:
    return [request for request in proxy.requests if request.WhichOneof("message") == kind]


async def test_leave_disconnect_closes_with_its_reason(join: Join, server: TokenServer) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        await proxy.inject(leave(Action.DISCONNECT))
        await alice.until_state(CONNECTED, DISCONNECTED)
        assert alice.reason == models.DisconnectReason.SERVER_SHUTDOWN
        await alice.engine.close()


async def test_leave_with_an_unknown_reason_keeps_its_number(join: Join, server: TokenServer) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        message = leave(Action.DISCONNECT)
        message.leave.MergeFromString(bytes((2 << 3, 99)))
        await proxy.inject(message)
        await alice.until_state(CONNECTED, DISCONNECTED)
        assert int(alice.reason) == 99
        await alice.engine.close()


async def test_leave_resume_keeps_the_participant(join: Join, server: TokenServer) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        await proxy.inject(leave(Action.RESUME))
        await alice.until_state(RECONNECTING, CONNECTED)
        assert len(alice.joins) == 1
        assert proxy.joins == 2
        await alice.engine.close()


@pytest.mark.parametrize("old_style", [False, True])
async def test_leave_reconnect_rejoins_without_sending_leave(join: Join, server: TokenServer, old_style: bool) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        await proxy.inject(leave(Action.DISCONNECT, can_reconnect=True) if old_style else leave(Action.RECONNECT))
        await alice.until_state(RECONNECTING, CONNECTED)
        assert [rejoined for _, rejoined in alice.joins] == [False, True]
        assert not requests_of(proxy, "leave")
        await alice.engine.close()


async def test_resume_reports_received_sequence_numbers(join: Join, server: TokenServer) -> None:
    bob = await join("bob")
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        for payload in (b"1", b"2", b"3"):
            bob.send(payload, "alice")
        await alice.until_received(b"3")
        await proxy.inject(leave(Action.RESUME))
        await alice.until_state(RECONNECTING, CONNECTED)
        bob.send(b"after", "alice")
        await alice.until_received(b"after")
        (sync,) = (request.sync_state for request in requests_of(proxy, "sync_state"))
        assert sync.HasField("subscription"), "without it, a server may fail for all participants"
        assert {s.publisher_sid: s.last_seq for s in sync.datachannel_receive_states} == {bob.sid: 3}
        await alice.engine.close()


async def test_close_sends_leave(join: Join, server: TokenServer) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        await alice.engine.close()
        (request,) = requests_of(proxy, "leave")
        assert request.leave.reason == models.DisconnectReason.CLIENT_INITIATED


async def test_first_ping_is_sent_immediately(join: Join, server: TokenServer) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        await alice.until(lambda: alice.engine.round_trip_time is not None)
        assert requests_of(proxy, "ping_req")
        await alice.engine.close()


async def test_malformed_signals_are_dropped_and_logged_once(
    join: Join, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        assert proxy._client is not None
        await proxy._client.send_bytes(b"\xff\xff")
        await proxy._client.send_str("text")
        await proxy.inject(rtc.SignalResponse(room_update=rtc.RoomUpdate()))
        await alice.until(lambda: "room_update" in alice.signals)
        # The peer controls how often this happens, so the log is rate-limited.
        assert caplog.text.count("dropped a signal message") == 1
        assert alice.engine.state is CONNECTED
        await alice.engine.close()


async def test_answer_to_an_older_offer_is_ignored(join: Join, server: TokenServer) -> None:
    async with SignalRelay(server.url) as proxy:
        alice = await join("alice", url=proxy.url)
        await proxy.inject(rtc.SignalResponse(answer=rtc.SessionDescription(type="answer", sdp="nonsense", id=77)))
        await proxy.inject(rtc.SignalResponse(room_update=rtc.RoomUpdate()))
        await alice.until(lambda: "room_update" in alice.signals)
        assert alice.engine.state is CONNECTED
        await alice.engine.close()


@pytest.mark.parametrize("kind", ["join", "answer"])
async def test_server_that_stops_answering_raises_connect_timeout(
    server: TokenServer, room_name: str, options: RoomOptions, kind: str
) -> None:
    options.connect_timeout = 0.5
    async with SignalRelay(server.url) as proxy:
        proxy.dropped_kinds = {kind}
        alice = RecordingListener(proxy.url, server.token("alice", room=room_name), options)
        started = asyncio.get_running_loop().time()
        with pytest.raises(ConnectTimeoutError, match=r"within 0\.5 s"):
            await alice.engine.connect()
        assert asyncio.get_running_loop().time() - started < 5
        assert alice.states[-1] is DISCONNECTED


async def test_leave_while_joining_raises_connect_error(
    server: TokenServer, room_name: str, options: RoomOptions
) -> None:
    async with SignalRelay(server.url) as proxy:
        proxy.dropped_kinds = {"answer"}
        alice = RecordingListener(proxy.url, server.token("alice", room=room_name), options)
        connecting = asyncio.ensure_future(alice.engine.connect())
        await asyncio.wait_for(proxy.request_received.wait(), TIMEOUT)
        await proxy.inject(leave(Action.DISCONNECT))
        with pytest.raises(ConnectError, match="SERVER_SHUTDOWN"):
            await connecting
