"""Data tracks on the server: publication, subscription, forwarding and removal."""

from __future__ import annotations

import pytest

from livekit.datatracks.packet import TrackPacket, decode
from livekit.protocol import rtc
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


def test_too_long_or_malformed_packets_are_dropped(room: dict[str, Member]) -> None:
    alice, bob, _ = room.values()
    subscribe(bob, publish(alice))
    push(alice, 5, bytes(limits.MAX_PACKET))
    alice.room.data_tracks.forward(alice.participant, b"\x18\0\0\5", 0.0)
    assert received(bob) == []
