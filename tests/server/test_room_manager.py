"""Creation and closing of rooms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livekit.protocol.room import RoomConfiguration
from livekit.server import RoomSettings, limits
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomFinished, RoomStarted
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import JoinRefusedError, RoomFullError, RoomManager, random_sid
from tests.server.recording_link import RecordingLink, grants, join, make_rooms, parameters


def test_without_departure_timeout_a_room_ends_with_the_last_leave() -> None:
    rooms = RoomManager(settings=RoomSettings(departure_timeout=0))
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    assert rooms.get("demo") is bob.room
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 2.0)
    assert rooms.get("demo") is None
    assert join(rooms, "alice", now=3.0).room.sid != bob.room.sid


def test_abandoned_room_is_kept_for_20_seconds() -> None:
    rooms = make_rooms()
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
    room = rooms.create("demo", 0.0, RoomSettings(metadata="about"))
    rooms.create("other", 0.0)
    rooms.tick(299.0)
    assert join(rooms, "bob", now=299.0).room is room
    assert room.info().metadata == "about"
    assert rooms.create("demo", 299.0) is room
    rooms.tick(300.0)
    assert [room.name for room in rooms.rooms] == ["demo"]


def test_returning_participant_finds_the_room_as_it_was() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    alice.room.update_metadata("kept")
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    rooms.tick(20.5)
    again = join(rooms, "alice", now=20.5)
    info = again.signal("join").join.room
    assert (info.sid, info.metadata) == (alice.room.sid, "kept")
    assert (info.empty_timeout, info.departure_timeout) == (300, 20)


def test_hidden_participant_keeps_a_room() -> None:
    rooms = make_rooms()
    alice, ghost = join(rooms, "alice"), join(rooms, grants("ghost", hidden=True))
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    for second in range(2, 100):
        ghost.participant.last_signal_at = float(second)
        rooms.tick(float(second))
    assert ghost.is_in_room()


def test_timeouts_of_a_token_count_from_the_server_defaults() -> None:
    rooms = RoomManager(settings=RoomSettings(empty_timeout=7, departure_timeout=8))
    join(rooms, "alice")
    config = RoomConfiguration(departure_timeout=30)
    join(rooms, replace(grants("bob", room="other"), room_config=config))
    timeouts = {room.name: (room.settings.empty_timeout, room.settings.departure_timeout) for room in rooms.rooms}
    assert timeouts == {"demo": (7, 8), "other": (7, 30)}


def test_rooms_are_isolated() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, grants("alice", room="one")), join(rooms, grants("bob", room="two"))
    assert alice.room is not bob.room
    assert list(bob.signal("join").join.other_participants) == []


def test_unknown_preset_is_refused() -> None:
    rooms = make_rooms()
    preset = replace(grants("alice"), room_preset="unknown")
    with pytest.raises(JoinRefusedError, match="unknown room configuration"):
        join(rooms, preset)
    room = rooms.create("demo", 0.0)
    assert join(rooms, preset).room is room, "it is only for creating a room"


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


def test_abandoned_room_makes_way_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ROOMS", 2)
    rooms = make_rooms()
    for second, name in enumerate(("two", "one")):
        member = join(rooms, grants("alice", room=name))
        member.room.remove(member.participant, DisconnectReason.CLIENT_INITIATED, float(second))
    join(rooms, grants("bob", room="three"), now=2.0)
    assert [room.name for room in rooms.rooms] == ["one", "three"]


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
    rooms.tick(20.9)
    assert [type(event) for event in events] == [RoomStarted, ParticipantJoined, ParticipantLeft]
    rooms.tick(21.0)
    assert [type(event) for event in events[3:]] == [RoomFinished]
    left = events[2]
    assert isinstance(left, ParticipantLeft)
    assert left.participant.disconnect_reason == DisconnectReason.CLIENT_INITIATED


def test_failing_observer_disturbs_neither_rooms_nor_other_observers(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: RoomEvent) -> None:
        raise RuntimeError("observer")

    events: list[RoomEvent] = []
    rooms = RoomManager(observers=[fail, events.append])
    unregister = rooms.observe(fail)
    join(rooms, "bob")
    assert [type(event) for event in events] == [RoomStarted, ParticipantJoined]
    assert len([record for record in caplog.records if record.exc_info]) == 2  # one for each failing observer
    unregister()


def test_random_sids_are_unique() -> None:
    sids = {random_sid("PA_") for _ in range(1000)}
    assert len(sids) == 1000
    assert all(sid.startswith("PA_") and len(sid) == 15 for sid in sids)
