"""Creation and closing of rooms."""

from __future__ import annotations

import pytest

from livekit.server import RoomSettings, limits
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomFinished, RoomStarted
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomFullError, RoomManager, random_sid
from tests.server.recording_link import RecordingLink, grants, join, make_rooms, parameters


def test_room_lives_from_first_join_to_last_leave() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    assert rooms.get("demo") is bob.room
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 2.0)
    assert rooms.get("demo") is None
    assert join(rooms, "alice", now=3.0).room.sid != bob.room.sid


def test_departure_timeout_keeps_an_empty_room() -> None:
    rooms = RoomManager(settings=RoomSettings(departure_timeout=20.0))
    bob = join(rooms, "bob")
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 5.0)
    rooms.tick(24.9)
    assert rooms.get("demo") is bob.room
    again = join(rooms, "bob", now=24.9)
    assert again.room is bob.room
    again.room.remove(again.participant, DisconnectReason.CLIENT_INITIATED, 30.0)
    rooms.tick(50.0)
    assert rooms.get("demo") is None


def test_empty_timeout_keeps_a_created_room() -> None:
    rooms = make_rooms()
    room = rooms.create("demo", 0.0, RoomSettings(empty_timeout=300.0, metadata="about"))
    rooms.tick(299.0)
    assert join(rooms, "bob", now=299.0).room is room
    assert room.info().metadata == "about"
    assert rooms.create("demo", 299.0) is room


def test_rooms_are_isolated() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, grants("alice", room="one")), join(rooms, grants("bob", room="two"))
    assert alice.room is not bob.room
    assert list(bob.signal("join").join.other_participants) == []


def test_full_room_admits_replacements_only() -> None:
    rooms = RoomManager(settings=RoomSettings(max_participants=1))
    alice = join(rooms, "alice")
    with pytest.raises(RoomFullError, match="max participants"):
        join(rooms, "bob")
    assert join(rooms, "alice").room is alice.room


def test_room_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ROOMS", 1)
    rooms = make_rooms()
    _ = join(rooms, grants("alice", room="one"))
    link = RecordingLink()
    with pytest.raises(RoomFullError, match="limit"):
        rooms.join(grants("bob", room="two"), parameters(), link, 0.0)
    with pytest.raises(RoomFullError, match="limit"):
        rooms.create("two", 0.0)
    assert link.signals == []


def test_close_removes_all_participants() -> None:
    rooms = make_rooms()
    members = [join(rooms, "alice"), join(rooms, "bob"), join(rooms, grants("carol", room="two"))]
    rooms.close(1.0)
    assert rooms.rooms == []
    for member in members:
        assert member.signal("leave").leave.reason == DisconnectReason.SERVER_SHUTDOWN
        assert member.link.closed


def test_observers_receive_events() -> None:
    events: list[RoomEvent] = []
    rooms = RoomManager(observers=[events.append])
    bob = join(rooms, "bob")
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    assert [type(event) for event in events] == [RoomStarted, ParticipantJoined, ParticipantLeft, RoomFinished]
    left = events[2]
    assert isinstance(left, ParticipantLeft)
    assert left.participant.disconnect_reason == DisconnectReason.CLIENT_INITIATED


def test_random_sids_are_unique() -> None:
    sids = {random_sid("PA_") for _ in range(1000)}
    assert len(sids) == 1000
    assert all(sid.startswith("PA_") and len(sid) == 15 for sid in sids)
