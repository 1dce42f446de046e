"""A participant goes from one room to another with its connection."""

from __future__ import annotations

import pytest

from livekit.protocol import models, rtc
from livekit.server import RoomSettings
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomFinished, RoomStarted
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomFullError, RoomManager
from tests.server.recording_link import EPOCH, Member, grants, join, make_rooms, parameters, user_packet


def move(rooms: RoomManager, member: Member, destination: str) -> None:
    """As the server does; the member is of the other room then."""
    rooms.move(member.room, member.participant, destination, 1.0)
    assert member.link.moved_to == destination
    room = rooms.get(destination)
    assert room is not None
    member.room = room


def test_everybody_learns_of_it() -> None:
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


def test_packets_go_where_it_is() -> None:
    rooms = make_rooms()
    alice, bob, carol = join(rooms, "alice"), join(rooms, "bob"), join(rooms, grants("carol", room="other"))
    bob.send(user_packet(b"before", sequence=1))
    move(rooms, bob, "other")
    bob.send(user_packet(b"again", sequence=1))
    bob.send(user_packet(b"after", sequence=2))
    assert alice.payloads() == [b"before"]
    packets = carol.received()
    assert [(packet.user.payload, packet.participant_sid) for packet in packets] == [(b"after", bob.sid)]


def test_its_token_is_for_the_other_room() -> None:
    rooms = RoomManager(epoch=EPOCH, refresh_token=lambda grants, info: f"{grants.room} {info.sid}")
    join(rooms, "alice")
    bob = join(rooms, "bob")
    move(rooms, bob, "other")
    assert bob.signal("room_moved").room_moved.token == f"other {bob.sid}"
    assert rooms.find_resumable(grants("bob", room="other"), parameters(sid=bob.sid)) is not None


def test_events() -> None:
    seen: list[RoomEvent] = []
    rooms = RoomManager(epoch=EPOCH)
    bob = join(rooms, "bob")
    rooms.observe(seen.append)
    move(rooms, bob, "other")
    assert [type(event) for event in seen] == [ParticipantLeft, RoomFinished, RoomStarted, ParticipantJoined]
    assert [event.room.name for event in seen] == ["demo", "demo", "other", "other"]


def test_the_last_one_leaves_an_empty_room() -> None:
    rooms = RoomManager(epoch=EPOCH, settings=RoomSettings(departure_timeout=5.0))
    bob = join(rooms, "bob")
    move(rooms, bob, "other")
    rooms.tick(5.9)
    assert rooms.get("demo") is not None
    rooms.tick(6.0)
    assert [room.name for room in rooms.rooms] == ["other"]


def test_one_of_that_identity_gives_way() -> None:
    rooms = make_rooms()
    bob, other_bob = join(rooms, "bob"), join(rooms, grants("bob", room="other"))
    move(rooms, bob, "other")
    assert other_bob.signal("leave").leave.reason == DisconnectReason.DUPLICATE_IDENTITY
    assert other_bob.link.closed
    assert bob.is_in_room()


def test_a_full_room_takes_nobody() -> None:
    rooms = make_rooms()
    bob = join(rooms, "bob")
    rooms.create("other", 0.0, RoomSettings(empty_timeout=60, max_participants=1))
    join(rooms, grants("carol", room="other"))
    with pytest.raises(RoomFullError):
        rooms.move(bob.room, bob.participant, "other", 1.0)
    assert bob.is_in_room()
    assert "room_moved" not in bob.kinds()


def test_hidden_ones_move_unseen() -> None:
    rooms = make_rooms()
    alice, ghost = join(rooms, "alice"), join(rooms, grants("ghost", hidden=True))
    carol = join(rooms, grants("carol", room="other"))
    for member in (alice, carol):
        member.link.signals.clear()
    move(rooms, ghost, "other")
    assert (alice.updates(), carol.updates()) == ([], [])
    assert ghost.signal("room_moved").room_moved.other_participants[0].identity == "carol"


def test_data_tracks_stay_behind() -> None:
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
