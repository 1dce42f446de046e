from __future__ import annotations

import asyncio

import pytest

from livekit import RemoteParticipant, Room
from livekit._room.room_emitter import EVENT_NAMES, MAX_BUFFERED_EVENTS, RoomEmitter, RoomEvent
from livekit.testing import RoomEnvironment


async def test_iteration_ends_when_the_room_disconnects(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    events = bob.events("participant_connected", "data_received", "participant_disconnected", "disconnected")
    alice = await environment.join("alice")
    await environment.wait_for(bob, "alice")
    await environment.wait_for(alice, "bob")
    await alice.local_participant.publish_data("hi")
    received: list[str] = []
    async for event in events:
        received.append(event.name)
        match event:
            case ("data_received", (packet,)):
                assert packet.data == b"hi"
                await alice.disconnect()
            case ("participant_disconnected", (participant,)):
                assert isinstance(participant, RemoteParticipant)
                await bob.disconnect()
            case _:
                pass
    assert received == ["participant_connected", "data_received", "participant_disconnected", "disconnected"]


async def test_iterator_without_names_yields_all_events_until_closed() -> None:
    room = RoomEmitter()
    events = room.events()
    waiting = asyncio.ensure_future(events.__anext__())
    await asyncio.sleep(0)
    room.emit("room_metadata_changed", "old", "new")
    assert await waiting == RoomEvent("room_metadata_changed", ("old", "new"))
    room.emit("moved")
    events.close()
    room.emit("moved")
    assert [event.name async for event in events] == ["moved"]


async def test_disconnected_ends_an_iterator_that_did_not_name_it() -> None:
    room = RoomEmitter()
    events = room.events("moved")
    room.emit("disconnected", 1)
    assert [event async for event in events] == []


async def test_full_buffer_drops_the_oldest_event(caplog: pytest.LogCaptureFixture) -> None:
    room = RoomEmitter()
    events = room.events("room_metadata_changed")
    for number in range(MAX_BUFFERED_EVENTS + 2):
        room.emit("room_metadata_changed", str(number), "")
    assert (await events.__anext__()).args == ("2", "")
    assert "dropped the oldest" in caplog.text


def test_event_names_are_unique() -> None:
    assert len(set(EVENT_NAMES)) == len(EVENT_NAMES)
    assert {"data_received", "track_subscribed", "data_track_published", "moved"} <= set(EVENT_NAMES)


async def test_callbacks_get_the_official_arguments(environment: RoomEnvironment) -> None:
    room = Room()
    received: list[tuple[str, int]] = []
    room.on("connected", lambda: received.append(("connected", 0)))
    room.on("connection_state_changed", lambda state: received.append(("connection_state_changed", state)))
    room.on("disconnected", lambda reason: received.append(("disconnected", reason)))
    await room.connect(environment.url, environment.token("alice"))
    await room.disconnect()
    assert received == [
        ("connection_state_changed", 1),
        ("connected", 0),
        ("connection_state_changed", 0),
        ("disconnected", 1),
    ]
