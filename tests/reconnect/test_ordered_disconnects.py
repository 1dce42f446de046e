"""A disconnect that the server orders is never preceded by `reconnecting`, in whichever order its parts arrive."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from livekit import ConnectionState, DisconnectReason, Room, RoomOptions
from livekit.protocol import rtc
from livekit.server import DevServer
from livekit.server.responses import DisconnectReason as Reason
from livekit.testing import MemoryRoom, VirtualClock
from livekit.testing.netem import Link, LinkOptions
from livekit.testing.relay.tcp import TcpRelay

SIGNAL_DELAY = 0.5
"""Seconds that signal messages take; media takes none."""
DISCONNECTED = ConnectionState.CONN_DISCONNECTED
RECONNECTING = ConnectionState.CONN_RECONNECTING


class Events:
    """The connection events of a room."""

    def __init__(self, room: Room) -> None:
        self.names: list[object] = []
        self._ended = asyncio.Event()
        for name in ("reconnecting", "reconnected"):
            room.on(cast(Any, name), lambda name=name: self.names.append(name))
        room.on("connection_state_changed", self.names.append)
        room.on("disconnected", self._disconnected)

    async def until_disconnected(self) -> list[object]:
        await asyncio.wait_for(self._ended.wait(), 15)
        return self.names

    def _disconnected(self, reason: DisconnectReason.ValueType) -> None:
        self.names.append(reason)
        self._ended.set()


class SlowSignals:
    """A relay of signal connections with `SIGNAL_DELAY`."""

    def __init__(self, server: DevServer) -> None:
        options = LinkOptions(delay=SIGNAL_DELAY)
        links = [Link[Any](options, random.Random(seed)) for seed in (1, 2)]
        self.relay = TcpRelay(("127.0.0.1", server.port), *links)

    async def __aenter__(self) -> str:
        await self.relay.__aenter__()
        return f"ws://127.0.0.1:{self.relay.port}"

    async def __aexit__(self, *error: Any) -> None:
        await self.relay.__aexit__(*error)


def remove(server: DevServer) -> None:
    (room,) = server.rooms.rooms
    room.remove(room.participants["alice"], Reason.PARTICIPANT_REMOVED, asyncio.get_running_loop().time())


def delete(server: DevServer) -> None:
    (room,) = server.rooms.rooms
    server.rooms.close_room(room, Reason.ROOM_DELETED, asyncio.get_running_loop().time())


def shut_down(server: DevServer) -> None:
    server.rooms.close(asyncio.get_running_loop().time())


@pytest.mark.parametrize("single", [None, False], ids=["single", "dual"])
@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (remove, DisconnectReason.PARTICIPANT_REMOVED),
        (delete, DisconnectReason.ROOM_DELETED),
        (shut_down, DisconnectReason.SERVER_SHUTDOWN),
    ],
)
async def test_a_late_leave_is_awaited(
    single: bool | None, order: Callable[[DevServer], None], reason: DisconnectReason.ValueType
) -> None:
    async with DevServer(port=0) as server, SlowSignals(server) as url, Room() as alice:
        await alice.connect(
            url, server.token("alice", room="room"), RoomOptions(single_peer_connection=single, connect_timeout=30)
        )
        events = Events(alice)
        order(server)
        assert await events.until_disconnected() == [DISCONNECTED, reason]


@pytest.mark.parametrize("single", [None, False], ids=["single", "dual"])
async def test_a_late_leave_of_a_duplicate_identity_is_awaited(single: bool | None) -> None:
    options = RoomOptions(single_peer_connection=single, connect_timeout=30)
    async with DevServer(port=0) as server, SlowSignals(server) as url, Room() as alice, Room() as other:
        token = server.token("alice", room="room")
        await alice.connect(url, token, options)
        events = Events(alice)
        await other.connect(server.url, token, options)
        assert await events.until_disconnected() == [DISCONNECTED, DisconnectReason.DUPLICATE_IDENTITY]


@pytest.mark.parametrize("single", [None, False], ids=["single", "dual"])
@pytest.mark.parametrize(
    "order",
    [
        ["leave", "signal", "transport"],
        ["leave", "transport", "signal"],
        ["transport", "leave", "signal"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("gap", [0.0, 0.001, 0.2])
@pytest.mark.parametrize("reason", [Reason.PARTICIPANT_REMOVED, Reason.STATE_MISMATCH, Reason.UNKNOWN_REASON])
async def test_each_order_of_events(order: list[str], gap: float, reason: Reason, single: bool | None) -> None:
    with VirtualClock():
        async with MemoryRoom() as memory:
            alice = await memory.join("alice", options=RoomOptions(single_peer_connection=single))
            events = Events(alice)
            client = memory._server.clients["alice"]
            leave = rtc.LeaveRequest(reason=reason, action=rtc.LeaveRequest.Action.DISCONNECT)
            _, far = client.sockets

            async def step(name: str) -> None:
                if name == "leave":
                    far.send_now(rtc.SignalResponse(leave=leave).SerializeToString())
                elif name == "signal":
                    await far.close()
                else:
                    for peer in client.peers:
                        peer.fail()
                await asyncio.sleep(gap)

            for name in order:
                await step(name)
            assert await events.until_disconnected() == [DISCONNECTED, reason]


@pytest.mark.parametrize("answers_pings", [True, False])
async def test_a_transport_lost_without_a_leave_is_reported_soon(answers_pings: bool) -> None:
    with VirtualClock() as clock:
        async with MemoryRoom() as memory:
            alice = await memory.join("alice")
            events = Events(alice)
            reconnecting = asyncio.Event()
            alice.on("reconnecting", reconnecting.set)
            _, far = memory._server.clients["alice"].sockets
            if not answers_pings:
                far.filter = lambda data: None
            started = clock.elapsed
            memory.lose_transport("alice")
            await reconnecting.wait()
            assert clock.elapsed - started == pytest.approx(0.25 if answers_pings else 2.0, abs=0.001)
            assert events.names == [RECONNECTING, "reconnecting"]


async def test_a_signal_connection_lost_while_a_leave_is_awaited_is_reported_at_once() -> None:
    with VirtualClock() as clock:
        async with MemoryRoom() as memory:
            alice = await memory.join("alice")
            reconnecting, reconnected = asyncio.Event(), asyncio.Event()
            alice.on("reconnecting", reconnecting.set)
            alice.on("reconnected", reconnected.set)
            started = clock.elapsed
            memory.lose_transport("alice")
            memory.lose_signal("alice")
            await reconnecting.wait()
            assert clock.elapsed - started < 0.01
            await reconnected.wait()


async def test_a_participant_removed_while_it_rejoins_does_not_come_back() -> None:
    with VirtualClock():
        async with MemoryRoom() as memory:
            alice = await memory.join("alice")
            events = Events(alice)
            _, far = memory._server.clients["alice"].sockets
            memory.reachable = False
            memory.lose_transport("alice")
            await asyncio.sleep(3)
            assert events.names == [RECONNECTING, "reconnecting"]
            leave = rtc.LeaveRequest(reason=Reason.PARTICIPANT_REMOVED)
            far.send_now(rtc.SignalResponse(leave=leave).SerializeToString())
            assert (await events.until_disconnected())[2:] == [DISCONNECTED, DisconnectReason.PARTICIPANT_REMOVED]
