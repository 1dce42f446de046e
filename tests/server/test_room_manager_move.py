"""A participant moves to another room with its connections."""

from __future__ import annotations

import pytest

from livekit.protocol import models, rtc
from livekit.server import RoomSettings
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomFinished, RoomStarted
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomFullError, RoomManager
from tests.server.recording_link import EPOCH, Member, grants, join, make_rooms, parameters, user_packet


def move(rooms: RoomManager, member: Member, destination: str) -> None:
    """Move a member and update its room."""
    rooms.move(member.room, member.participant, destination, 1.0)
    assert member.link.moved_to == destination
    room = rooms.get(destination)
    assert room is not None
    member.room = room


def test_move_is_announced_in_both_rooms() -> None:
    rooms = make_rooms()
    alice, bob, carol = join(rooms, "alice"), join(rooms, "bob"), join(rooms, grants("carol", room="other"))
    old_sid = bob.sid
    for member in (alice, carol):
        member.link.signals.clear()
    move(rooms, bob, "other")
    assert bob.sid != old_sid
    assert alice.updates() == [(old_sid, "DISCONNECTED")]
    assert carol.updates() == [(bob.sid, "ACTIVE")]
    moved = bob.signal("room_moved").room_moved
    assert (moved.room.name, moved.participant.sid) == ("other", bob.sid)
    assert [info.identity for info in moved.other_participants] == ["carol"]
    assert set(alice.room.participants) == {"alice"}
    assert set(carol.room.participants) == {"bob", "carol"}


def test_packets_follow_the_participant() -> None:
    rooms = make_rooms()
    alice, bob, carol = join(rooms, "alice"), join(rooms, "bob"), join(rooms, grants("carol", room="other"))
    bob.send(user_packet(b"before", sequence=1))
    move(rooms, bob, "other")
    bob.send(user_packet(b"again", sequence=1))
    bob.send(user_packet(b"after", sequence=2))
    assert alice.payloads() == [b"before"]
    packets = carol.received()
    assert [(packet.user.payload, packet.participant_sid) for packet in packets] == [(b"after", bob.sid)]


def test_token_is_for_the_destination() -> None:
    rooms = RoomManager(epoch=EPOCH, refresh_token=lambda grants, info: f"{grants.room} {info.sid}")
    join(rooms, "alice")
    bob = join(rooms, "bob")
    move(rooms, bob, "other")
    assert bob.signal("room_moved").room_moved.token == f"other {bob.sid}"
    assert rooms.find_resumable(grants("bob", room="other"), parameters(sid=bob.sid)) is not None


def test_emits_events_in_order() -> None:
    events: list[RoomEvent] = []
    rooms = RoomManager(epoch=EPOCH, settings=RoomSettings(departure_timeout=0))
    bob = join(rooms, "bob")
    rooms.observe(events.append)
    move(rooms, bob, "other")
    assert [type(event) for event in events] == [ParticipantLeft, RoomFinished, RoomStarted, ParticipantJoined]
    assert [event.room.name for event in events] == ["demo", "demo", "other", "other"]


def test_moving_the_last_participant_empties_the_room() -> None:
    rooms = RoomManager(epoch=EPOCH, settings=RoomSettings(departure_timeout=5.0))
    bob = join(rooms, "bob")
    move(rooms, bob, "other")
    rooms.tick(5.9)
    assert rooms.get("demo") is not None
    rooms.tick(6.0)
    assert [room.name for room in rooms.rooms] == ["other"]


def test_same_identity_in_destination_is_replaced() -> None:
    rooms = make_rooms()
    bob, other_bob = join(rooms, "bob"), join(rooms, grants("bob", room="other"))
    move(rooms, bob, "other")
    assert other_bob.signal("leave").leave.reason == DisconnectReason.DUPLICATE_IDENTITY
    assert other_bob.link.closed
    assert bob.is_in_room()


def test_full_destination_refuses() -> None:
    rooms = make_rooms()
    bob = join(rooms, "bob")
    rooms.create("other", 0.0, RoomSettings(empty_timeout=60, max_participants=1))
    join(rooms, grants("carol", room="other"))
    with pytest.raises(RoomFullError):
        rooms.move(bob.room, bob.participant, "other", 1.0)
    assert bob.is_in_room()
    assert "room_moved" not in bob.kinds()


def test_hidden_participant_moves_unannounced() -> None:
    rooms = make_rooms()
    alice, ghost = join(rooms, "alice"), join(rooms, grants("ghost", hidden=True))
    carol = join(rooms, grants("carol", room="other"))
    for member in (alice, carol):
        member.link.signals.clear()
    move(rooms, ghost, "other")
    assert (alice.updates(), carol.updates()) == ([], [])
    assert ghost.signal("room_moved").room_moved.other_participants[0].identity == "carol"


def test_data_tracks_are_unpublished() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    bob.request(rtc.SignalRequest(publish_data_track_request=rtc.PublishDataTrackRequest(pub_handle=1, name="t")))
    track = bob.signal("publish_data_track_response").publish_data_track_response.info.sid
    update = rtc.UpdateDataSubscription.Update(track_sid=track, subscribe=True)
    alice.request(rtc.SignalRequest(update_data_subscription=rtc.UpdateDataSubscription(updates=[update])))
    move(rooms, bob, "other")
    assert not alice.signal("data_track_subscriber_handles").data_track_subscriber_handles.sub_handles
    assert not bob.participant.info().data_tracks
    assert bob.participant.state == models.ParticipantInfo.ACTIVE
