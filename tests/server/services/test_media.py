"""RoomService calls and webhooks about media tracks."""

from __future__ import annotations

import pytest

from livekit.protocol import models, rtc
from livekit.protocol import room as room_pb
from livekit.server.events import RoomEvent, TrackPublished, TrackUnpublished
from livekit.server.media.published_track import PublishedTrack
from livekit.server.permissions import Grants
from livekit.server.room_manager import RoomManager
from livekit.server.services import RoomService
from livekit.server.services.twirp import TwirpError
from livekit.server.webhooks.events import to_webhook
from tests.server.recording_link import Member, grants, join, make_rooms

ROOM = "demo"


@pytest.fixture
def rooms() -> RoomManager:
    return make_rooms()


@pytest.fixture
def service(rooms: RoomManager) -> RoomService:
    return RoomService(rooms, lambda: 0.0)


@pytest.fixture
def admin() -> Grants:
    return grants("admin", room=ROOM, roomAdmin=True)


def publish(member: Member) -> PublishedTrack:
    request = rtc.AddTrackRequest(cid="c", name="mic", source=models.TrackSource.MICROPHONE)
    member.request(rtc.SignalRequest(add_track=request))
    track = member.room.media.publish(
        member.participant, "c", stream_cid="c", mid="7", mime_type="audio/red", streams=None, now=0.0
    )
    assert track is not None
    return track


def test_a_backend_mutes_a_track(rooms: RoomManager, service: RoomService, admin: Grants) -> None:
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    track = publish(alice)
    request = room_pb.MuteRoomTrackRequest(room=ROOM, identity="alice", track_sid=track.sid, muted=True)
    muted = service.mute_published_track(admin, request).track
    assert (muted.sid, muted.muted) == (track.sid, True)
    assert alice.signal("mute").mute == rtc.MuteTrackRequest(sid=track.sid, muted=True)
    for member in (alice, bob):
        assert [info.muted for info in member.signal("update").update.participants[0].tracks] == [True]
    request.muted = False
    with pytest.raises(TwirpError, match="remote unmute not enabled"):
        service.mute_published_track(admin, request)
    assert track.info.muted


def test_a_backend_subscribes_and_unsubscribes(rooms: RoomManager, service: RoomService, admin: Grants) -> None:
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    track = publish(alice)
    request = room_pb.UpdateSubscriptionsRequest(room=ROOM, identity="bob", track_sids=[track.sid])
    service.update_subscriptions(admin, request)
    assert not list(bob.participant.media.active_subscriptions())
    tracks = models.ParticipantTracks(participant_sid=alice.sid, track_sids=[track.sid])
    request = room_pb.UpdateSubscriptionsRequest(room=ROOM, identity="bob", participant_tracks=[tracks], subscribe=True)
    service.update_subscriptions(admin, request)
    assert len(list(bob.participant.media.active_subscriptions())) == 1


def test_participants_are_listed_with_their_tracks(rooms: RoomManager, service: RoomService, admin: Grants) -> None:
    track = publish(join(rooms, "alice"))
    listed = service.list_participants(admin, room_pb.ListParticipantsRequest(room=ROOM)).participants
    assert [[info.sid for info in each.tracks] for each in listed] == [[track.sid]]
    found = service.get_participant(admin, room_pb.RoomParticipantIdentity(room=ROOM, identity="alice"))
    assert (found.is_publisher, found.tracks[0].mime_type) == (True, "audio/red")
    creator = grants("admin", roomList=True)
    assert service.list_rooms(creator, room_pb.ListRoomsRequest()).rooms[0].num_publishers == 1


def test_tracks_end_with_the_permission_that_a_backend_takes(
    rooms: RoomManager, service: RoomService, admin: Grants
) -> None:
    alice = join(rooms, "alice")
    track = publish(alice)
    permission = models.ParticipantPermission(can_subscribe=True, can_publish_data=True)
    request = room_pb.UpdateParticipantRequest(room=ROOM, identity="alice", permission=permission)
    info = service.update_participant(admin, request)
    assert (list(info.tracks), info.is_publisher) == ([], False)
    assert alice.signal("track_unpublished").track_unpublished.track_sid == track.sid


def test_webhooks_of_tracks_name_room_participant_and_track(rooms: RoomManager) -> None:
    events: list[RoomEvent] = []
    alice = join(rooms, "alice")
    rooms.observe(events.append)
    track = publish(alice)
    alice.room.media.unpublish(alice.participant, track.sid)
    published, unpublished = [event for event in events if isinstance(event, TrackPublished | TrackUnpublished)]
    hooks = [to_webhook(event, event_id="EV_1", wall_time=1.0) for event in (published, unpublished)]
    assert [hook.event for hook in hooks] == ["track_published", "track_unpublished"]
    for hook in hooks:
        assert hook.track == track.info
        assert hook.room == models.Room(sid=alice.room.sid, name=ROOM)
        assert hook.participant == models.ParticipantInfo(sid=alice.sid, identity="alice")
