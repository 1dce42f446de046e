"""Data tracks on the server: publication, subscription, forwarding and removal."""

from __future__ import annotations

import pytest

from livekit.datatracks.packet import TrackPacket, decode
from livekit.protocol import models, rtc
from livekit.server import limits
from livekit.server.responses import DisconnectReason
from tests.server.recording_link import Member, grants, join, make_rooms

Reason = rtc.RequestResponse


def publish(member: Member, handle: int = 5, name: str = "position") -> str:
    """Publish a track; return its sid."""
    request = rtc.PublishDataTrackRequest(pub_handle=handle, name=name)
    member.request(rtc.SignalRequest(publish_data_track_request=request))
    return member.signal("publish_data_track_response").publish_data_track_response.info.sid


def subscribe(member: Member, sid: str, *, yes: bool = True) -> dict[int, str]:
    """Update a subscription; return the sids of all subscribed tracks by handle."""
    update = rtc.UpdateDataSubscription.Update(track_sid=sid, subscribe=yes)
    member.request(rtc.SignalRequest(update_data_subscription=rtc.UpdateDataSubscription(updates=[update])))
    return handles(member)


def handles(member: Member) -> dict[int, str]:
    sub_handles = member.signal("data_track_subscriber_handles").data_track_subscriber_handles.sub_handles
    return {handle: track.track_sid for handle, track in sub_handles.items()}


def push(member: Member, handle: int, payload: bytes = b"x") -> None:
    packet = TrackPacket(handle, 1, 2, 3, payload, extensions={2: bytes(8)})
    member.room.data_tracks.forward(member.participant, packet.encode(), 0.0)


def received(member: Member) -> list[tuple[int, bytes]]:
    """Remove the received packets; return their handles and payloads."""
    packets = [decode(data) for data in member.link.track_packets]
    member.link.track_packets.clear()
    return [(packet.handle, packet.payload) for packet in packets]


@pytest.fixture
def room() -> dict[str, Member]:
    rooms = make_rooms()
    members = {name: join(rooms, name) for name in ("alice", "bob", "carol")}
    for member in members.values():
        member.room.activate(member.participant, 0.0)
    return members


def test_packets_are_forwarded_to_subscribers(room: dict[str, Member]) -> None:
    alice, bob, carol = room.values()
    sid = publish(alice)
    assert sid.startswith("DTR_")
    announced = bob.signal("update").update.participants[0]
    assert [(track.sid, track.name, track.pub_handle) for track in announced.data_tracks] == [(sid, "position", 5)]
    ((handle, track_sid),) = subscribe(bob, sid).items()
    assert track_sid == sid
    assert subscribe(bob, sid) == {handle: sid}
    push(alice, 5, b"one")
    push(alice, 6, b"unpublished handle")
    push(bob, 5, b"handle of another publisher")
    assert received(bob) == [(handle, b"one")]
    assert received(carol) == []
    assert subscribe(bob, sid, yes=False) == {}
    push(alice, 5, b"two")
    assert received(bob) == []


def test_unpublish(room: dict[str, Member]) -> None:
    alice, bob, _ = room.values()
    sid = publish(alice)
    subscribe(bob, sid)
    alice.request(rtc.SignalRequest(unpublish_data_track_request=rtc.UnpublishDataTrackRequest(pub_handle=5)))
    assert alice.signal("unpublish_data_track_response").unpublish_data_track_response.info.sid == sid
    assert handles(bob) == {}
    assert not bob.signal("update").update.participants[0].data_tracks
    push(alice, 5)
    assert received(bob) == []
    alice.request(rtc.SignalRequest(unpublish_data_track_request=rtc.UnpublishDataTrackRequest(pub_handle=5)))
    assert alice.signal("request_response").request_response.reason == Reason.NOT_FOUND
    assert publish(alice) != sid


def test_leaving_unpublishes_tracks(room: dict[str, Member]) -> None:
    alice, bob, carol = room.values()
    sid = publish(alice)
    subscribe(bob, sid)
    subscribe(carol, sid)
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    push(alice, 5)
    assert len(received(carol)) == 1
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    assert handles(carol) == {}


@pytest.mark.parametrize(
    ("handle", "name", "reason"),
    [
        (0, "x", Reason.INVALID_HANDLE),
        (65536, "x", Reason.INVALID_HANDLE),
        (1, "", Reason.INVALID_NAME),
        (1, "x" * (limits.MAX_NAME + 1), Reason.INVALID_NAME),
        (5, "x", Reason.DUPLICATE_HANDLE),
        (6, "position", Reason.DUPLICATE_NAME),
    ],
)
def test_invalid_publications_are_refused(
    room: dict[str, Member], handle: int, name: str, reason: rtc.RequestResponse.Reason
) -> None:
    alice = room["alice"]
    publish(alice)
    request = rtc.PublishDataTrackRequest(pub_handle=handle, name=name)
    alice.request(rtc.SignalRequest(publish_data_track_request=request))
    answer = alice.signal("request_response").request_response
    assert (answer.reason, answer.publish_data_track.pub_handle) == (reason, handle)
    assert answer.message


def test_permissions() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, grants("alice", canPublishData=False)), join(rooms, grants("bob", canSubscribe=False))
    request = rtc.PublishDataTrackRequest(pub_handle=1, name="x")
    alice.request(rtc.SignalRequest(publish_data_track_request=request))
    assert alice.signal("request_response").request_response.reason == Reason.NOT_ALLOWED
    assert subscribe(alice, publish(bob)) != {}
    assert subscribe(bob, "DTR_nothing") == {}


def info_of(member: Member, sid: str) -> models.ParticipantInfo:
    """Return the newest announcement of a participant that a member has received."""
    infos = [info for signal in member.link.signals for info in signal.update.participants if info.sid == sid]
    return infos[-1]


@pytest.mark.parametrize("reason", [DisconnectReason.CLIENT_INITIATED, DisconnectReason.PARTICIPANT_REMOVED])
def test_a_publisher_that_leaves_is_announced_without_tracks(
    room: dict[str, Member], reason: models.DisconnectReason
) -> None:
    alice, bob, _ = room.values()
    publish(alice)
    assert [track.name for track in info_of(bob, alice.sid).data_tracks] == ["position"]
    alice.room.remove(alice.participant, reason, 1.0)
    left = info_of(bob, alice.sid)
    assert left.state == models.ParticipantInfo.DISCONNECTED
    assert not left.data_tracks


def test_a_publisher_that_moves_is_announced_without_tracks() -> None:
    rooms = make_rooms()
    bob, carol = join(rooms, "bob"), join(rooms, "carol")
    publish(bob)
    bob_sid = bob.sid
    rooms.move(bob.room, bob.participant, "other", 1.0)
    left = info_of(carol, bob_sid)
    assert left.state == models.ParticipantInfo.DISCONNECTED
    assert not left.data_tracks


def test_publisher_flag_and_tracks_are_announced_to_the_publisher_itself(room: dict[str, Member]) -> None:
    alice, bob, _ = room.values()
    assert not alice.participant.info().is_publisher
    publish(alice)
    for member in (alice, bob):
        assert info_of(member, alice.sid).is_publisher
        assert len(info_of(member, alice.sid).data_tracks) == 1
    alice.request(rtc.SignalRequest(unpublish_data_track_request=rtc.UnpublishDataTrackRequest(pub_handle=5)))
    assert info_of(alice, alice.sid).is_publisher
    assert not info_of(alice, alice.sid).data_tracks


def test_tracks_end_with_the_permission_to_publish_data(room: dict[str, Member]) -> None:
    alice, bob, _ = room.values()
    subscribe(bob, publish(alice))
    alice.room.set_permission(alice.participant, models.ParticipantPermission(can_subscribe=True), 1.0)
    assert not info_of(bob, alice.sid).data_tracks
    assert handles(bob) == {}
    push(alice, 5)
    assert received(bob) == []


def test_subscription_waits_for_the_permission() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, grants("bob", canSubscribe=False))
    kept, given_up, gone = publish(alice, 1, "kept"), publish(alice, 2, "given up"), publish(alice, 3, "gone")
    for sid in (kept, given_up, gone):
        assert subscribe(bob, sid) == {}
    subscribe(bob, given_up, yes=False)
    alice.request(rtc.SignalRequest(unpublish_data_track_request=rtc.UnpublishDataTrackRequest(pub_handle=3)))
    bob.room.set_permission(bob.participant, models.ParticipantPermission(can_subscribe=True), 1.0)
    assert list(handles(bob).values()) == [kept]
    assert not bob.participant.data_tracks.refused


def test_automatic_subscription() -> None:
    rooms = make_rooms()
    alice, hidden = join(rooms, "alice"), join(rooms, grants("hidden", hidden=True))
    existing = publish(alice, 1, "existing")
    bob = join(rooms, "bob", active=False, auto_subscribe_data_track=True)
    carol = join(rooms, "carol")
    assert "data_track_subscriber_handles" not in bob.kinds()  # nothing can be received yet
    bob.room.activate(bob.participant, 1.0)
    assert list(handles(bob).values()) == [existing]
    published = [publish(alice, 2, "new"), publish(hidden)]
    publish(bob)
    assert list(handles(bob).values()) == [existing, *published]
    assert bob.kinds().index("update") < len(bob.kinds()) - 1 - bob.kinds()[::-1].index("data_track_subscriber_handles")
    push(alice, 2)
    assert len(received(bob)) == 1
    assert "data_track_subscriber_handles" not in carol.kinds()
    assert existing not in subscribe(bob, existing, yes=False).values()
    rooms.move(bob.room, bob.participant, "other", 2.0)
    dave = join(rooms, grants("dave", room="other"))
    sid = publish(dave)
    assert list(handles(bob).values()) == [sid]


def test_automatic_subscription_waits_for_the_permission() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    bob = join(rooms, grants("bob", canSubscribe=False), auto_subscribe_data_track=True)
    sid = publish(alice)
    assert "data_track_subscriber_handles" not in bob.kinds()
    bob.room.set_permission(bob.participant, models.ParticipantPermission(can_subscribe=True), 1.0)
    assert list(handles(bob).values()) == [sid]


@pytest.mark.parametrize("custom", ["", "x" * (limits.MAX_CUSTOM_ENCODING + 1), "é" * 17])
def test_invalid_names_of_encodings_are_refused(room: dict[str, Member], custom: str) -> None:
    frames = rtc.PublishDataTrackRequest(pub_handle=1, name="x")
    frames.frame_encoding.custom = custom
    schema = rtc.PublishDataTrackRequest(pub_handle=1, name="x")
    schema.schema.encoding.custom = custom
    for request in (frames, schema):
        room["alice"].request(rtc.SignalRequest(publish_data_track_request=request))
        assert room["alice"].signal("request_response").request_response.reason == Reason.INVALID_REQUEST


def test_too_long_or_malformed_packets_are_dropped(room: dict[str, Member]) -> None:
    alice, bob, _ = room.values()
    subscribe(bob, publish(alice))
    push(alice, 5, bytes(limits.MAX_PACKET))
    alice.room.data_tracks.forward(alice.participant, b"\x18\0\0\5", 0.0)
    assert received(bob) == []
