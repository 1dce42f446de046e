"""Media tracks of a room: publication, subscriptions, permissions, and what participants are told."""

from __future__ import annotations

import pytest

from livekit.protocol import models, rtc
from livekit.server import limits
from livekit.server.media.media_tracks import NOT_FOUND_TIMEOUT
from livekit.server.media.published_track import PublishedTrack
from livekit.server.permissions import Grants
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomManager
from tests.server.recording_link import Member, grants, join, make_rooms

Reason = rtc.RequestResponse
MICROPHONE = models.TrackSource.MICROPHONE


def add(member: Member, cid: str = "c", **fields: object) -> rtc.TrackPublishedResponse:
    """Ask to publish a track; return the response."""
    request = rtc.AddTrackRequest(cid=cid, source=MICROPHONE)
    request.MergeFrom(rtc.AddTrackRequest(**fields))  # type: ignore[arg-type]
    member.request(rtc.SignalRequest(add_track=request))
    return member.signal("track_published").track_published


def refusal(member: Member) -> rtc.RequestResponse:
    return member.signal("request_response").request_response


def publish(member: Member, cid: str = "c", **fields: object) -> PublishedTrack:
    """Publish an audio track."""
    add(member, cid, **fields)
    return negotiate(member, cid)


def negotiate(member: Member, cid: str = "c") -> PublishedTrack:
    """Act as the connection on which the section of a pending track was negotiated."""
    track = member.room.media.publish(
        member.participant, cid, stream_cid=cid, mid="7", mime_type="audio/red", streams=None, now=1.0
    )
    assert track is not None
    return track


def subscribe(member: Member, *sids: str, yes: bool = True, now: float = 0.0) -> None:
    update = rtc.UpdateSubscription(track_sids=sids, subscribe=yes)
    member.request(rtc.SignalRequest(subscription=update), now)


def subscribed(member: Member) -> list[str]:
    """Return the sids of the tracks that a participant receives."""
    return [subscription.track_sid for subscription in member.participant.media.active_subscriptions()]


def tracks_in(update: rtc.SignalResponse) -> list[models.TrackInfo]:
    return list(update.update.participants[0].tracks)


@pytest.fixture
def rooms() -> RoomManager:
    return make_rooms()


@pytest.fixture
def alice(rooms: RoomManager) -> Member:
    return join(rooms, "alice")


@pytest.fixture
def bob(rooms: RoomManager, alice: Member) -> Member:
    return join(rooms, "bob")


def test_a_track_is_announced_once_its_section_is_negotiated(alice: Member, bob: Member) -> None:
    response = add(alice, "c", name="mic", disable_dtx=True)
    assert (response.cid, response.track.sid[:5], response.track.name) == ("c", "TR_AM", "mic")
    assert (response.track.stream, list(response.track.audio_features)) == ("camera", [models.TF_NO_DTX])
    assert subscribed(bob) == []
    before = bob.kinds()
    track = negotiate(alice)
    for member in (alice, bob):
        (info,) = tracks_in(member.signal("update"))
        assert (info.sid, info.mime_type, info.mid) == (track.sid, "audio/red", "7")
        assert [(codec.mime_type, codec.mid, codec.cid) for codec in info.codecs] == [("audio/red", "7", "c")]
        assert info.version.unix_micro == 1_700_000_001_000_000
        assert member.signal("update").update.participants[0].is_publisher
    assert bob.kinds()[len(before) :] == ["update", "room_update", "subscription_permission_update"]
    assert bob.signal("room_update").room_update.room.num_publishers == 1
    allowed = bob.signal("subscription_permission_update").subscription_permission_update
    assert (allowed.participant_sid, allowed.track_sid, allowed.allowed) == (alice.sid, track.sid, True)
    assert (subscribed(bob), subscribed(alice)) == ([track.sid], [])
    assert bob.link.media_updates == 1


def test_the_publisher_is_told_of_the_first_subscription_only(alice: Member, bob: Member) -> None:
    track = publish(alice)
    subscription = bob.participant.media.subscriptions[track.sid]
    for _ in range(2):
        bob.room.media.subscribed(subscription)
    assert alice.kinds().count("track_subscribed") == 1
    assert alice.signal("track_subscribed").track_subscribed.track_sid == track.sid


def test_unpublish(alice: Member, bob: Member) -> None:
    track = publish(alice)
    alice.room.media.unpublish(alice.participant, track.sid)
    for member in (alice, bob):
        assert tracks_in(member.signal("update")) == []
    assert (subscribed(bob), bob.link.media_updates) == ([], 2)
    assert alice.signal("update").update.participants[0].is_publisher


def test_a_second_track_with_the_same_cid_waits_for_the_end_of_the_first(alice: Member, bob: Member) -> None:
    first = publish(alice)
    add(alice)
    assert refusal(alice).reason == Reason.QUEUED
    assert alice.participant.media.match_pending("c", models.TrackType.AUDIO, ()) is None
    before = alice.kinds().count("track_published")
    alice.room.media.unpublish(alice.participant, first.sid)
    assert alice.kinds().count("track_published") == before + 1
    second = alice.signal("track_published").track_published.track.sid
    assert second != first.sid
    assert negotiate(alice).sid == second


def test_two_pending_tracks_with_the_same_cid_have_one_sid(alice: Member) -> None:
    first = add(alice)
    add(alice)
    assert refusal(alice).reason == Reason.QUEUED
    assert [info.sid for info in alice.participant.media.pending["c"].infos] == [first.track.sid] * 2


@pytest.mark.parametrize(
    ("granted", "source", "reason"),
    [
        (grants("carol", canPublish=False), MICROPHONE, Reason.NOT_ALLOWED),
        (grants("carol", canPublishSources=["camera"]), MICROPHONE, Reason.NOT_ALLOWED),
        (grants("carol", canPublishSources=["camera"]), models.TrackSource.UNKNOWN, Reason.NOT_ALLOWED),
        (grants("carol", canPublishSources=["camera", "microphone"]), MICROPHONE, None),
    ],
)
def test_publishing_needs_a_grant_for_the_source(
    rooms: RoomManager, granted: Grants, source: models.TrackSource, reason: int | None
) -> None:
    carol = join(rooms, granted)
    request = rtc.AddTrackRequest(cid="c", source=source)
    carol.request(rtc.SignalRequest(add_track=request))
    if reason is None:
        assert "track_published" in carol.kinds()
    else:
        assert (refusal(carol).reason, refusal(carol).add_track) == (reason, request)
        assert not carol.participant.media.pending


def test_only_audio_and_video_are_published(alice: Member) -> None:
    alice.request(rtc.SignalRequest(add_track=rtc.AddTrackRequest(cid="c", type=models.TrackType.DATA)))
    assert refusal(alice).reason == Reason.UNSUPPORTED_TYPE


def test_a_codec_for_an_unknown_track_is_not_found(alice: Member, bob: Member) -> None:
    track = publish(alice)
    bob.request(rtc.SignalRequest(add_track=rtc.AddTrackRequest(cid="x", sid=track.sid)))
    assert refusal(bob).reason == Reason.NOT_FOUND


def test_limit_of_tracks(alice: Member) -> None:
    publish(alice, "published")
    for number in range(limits.MAX_TRACKS - 1):
        add(alice, f"c{number}")
    assert "request_response" not in alice.kinds()
    add(alice, "last")
    assert refusal(alice).reason == Reason.LIMIT_EXCEEDED
    assert alice.participant.media.track_count == limits.MAX_TRACKS


def test_limit_of_the_description(alice: Member) -> None:
    request = rtc.AddTrackRequest(cid="c", name="n" * limits.MAX_TRACK_INFO)
    alice.request(rtc.SignalRequest(add_track=request))
    assert refusal(alice).reason == Reason.LIMIT_EXCEEDED


def test_limit_of_subscriptions(bob: Member) -> None:
    subscribe(bob, *(f"TR_{number}" for number in range(limits.MAX_SUBSCRIPTIONS + 1)))
    assert len(bob.participant.media.subscriptions) == limits.MAX_SUBSCRIPTIONS
    settings = rtc.UpdateTrackSettings(track_sids=[f"TR_{n}" for n in range(limits.MAX_SUBSCRIPTIONS + 1)])
    bob.request(rtc.SignalRequest(track_setting=settings))
    assert len(bob.participant.media.settings) == limits.MAX_SUBSCRIPTIONS


def test_mute(alice: Member, bob: Member) -> None:
    track = publish(alice)
    alice.request(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=track.sid, muted=True)))
    for member in (alice, bob):
        assert [info.muted for info in tracks_in(member.signal("update"))] == [True]
    count = len(bob.link.signals)
    alice.request(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=track.sid, muted=True)))
    assert len(bob.link.signals) == count
    alice.request(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=track.sid)))
    assert [info.muted for info in tracks_in(bob.signal("update"))] == [False]


def test_a_pending_track_can_be_muted(alice: Member, bob: Member) -> None:
    sid = add(alice).track.sid
    alice.request(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=sid, muted=True)))
    assert negotiate(alice).info.muted


def test_others_cannot_mute_a_track(alice: Member, bob: Member) -> None:
    track = publish(alice)
    bob.request(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=track.sid, muted=True)))
    assert refusal(bob).reason == Reason.NOT_FOUND
    assert not track.info.muted


def test_features_and_size_are_updated(alice: Member, bob: Member) -> None:
    audio, video = publish(alice), publish(alice, "v", type=models.TrackType.VIDEO, width=1, height=1)
    features = rtc.UpdateLocalAudioTrack(track_sid=audio.sid, features=[models.TF_STEREO])
    alice.request(rtc.SignalRequest(update_audio_track=features))
    size = rtc.UpdateLocalVideoTrack(track_sid=video.sid, width=320, height=240)
    alice.request(rtc.SignalRequest(update_video_track=size))
    first, second = tracks_in(bob.signal("update"))
    assert (first.stereo, list(first.audio_features)) == (True, [models.TF_STEREO])
    assert (second.width, second.height) == (320, 240)
    bob.request(rtc.SignalRequest(update_audio_track=features))
    assert refusal(bob).reason == Reason.NOT_FOUND
    bob.request(rtc.SignalRequest(update_video_track=size))
    assert refusal(bob).update_video_track == size


def test_unsubscribe_and_subscribe_again(alice: Member, bob: Member) -> None:
    track = publish(alice)
    subscribe(bob, track.sid, yes=False)
    assert (subscribed(bob), bob.link.media_updates) == ([], 2)
    again = rtc.UpdateSubscription(
        participant_tracks=[models.ParticipantTracks(participant_sid=alice.sid, track_sids=[track.sid])],
        subscribe=True,
    )
    bob.request(rtc.SignalRequest(subscription=again))
    assert (subscribed(bob), bob.link.media_updates) == ([track.sid], 3)
    assert bob.kinds().count("subscription_permission_update") == 2


def test_a_participant_can_decline_automatic_subscription(rooms: RoomManager, alice: Member) -> None:
    carol = join(rooms, "carol", auto_subscribe=False)
    track = publish(alice)
    assert subscribed(carol) == []
    subscribe(carol, track.sid)
    assert subscribed(carol) == [track.sid]


def test_a_late_joiner_is_subscribed(rooms: RoomManager, alice: Member) -> None:
    track = publish(alice)
    carol = join(rooms, "carol", active=False)
    assert subscribed(carol) == [track.sid]
    assert carol.kinds()[0] == "join"
    (other,) = carol.signal("join").join.other_participants
    assert [info.sid for info in other.tracks] == [track.sid]


def test_a_subscription_waits_for_its_track(alice: Member, rooms: RoomManager) -> None:
    carol = join(rooms, "carol", auto_subscribe=False)
    sid = add(alice).track.sid
    subscribe(carol, sid, now=1.0)
    assert subscribed(carol) == []
    negotiate(alice)
    assert subscribed(carol) == [sid]


def test_a_subscription_to_a_track_that_is_never_published_ends(bob: Member) -> None:
    subscribe(bob, "TR_missing", now=1.0)
    bob.room.media.tick(NOT_FOUND_TIMEOUT)
    assert "subscription_response" not in bob.kinds()
    bob.room.media.tick(NOT_FOUND_TIMEOUT + 1.0)
    response = bob.signal("subscription_response").subscription_response
    assert (response.track_sid, response.err) == ("TR_missing", models.SubscriptionError.SE_TRACK_NOTFOUND)
    assert not bob.participant.media.subscriptions


def test_nobody_subscribes_to_own_tracks(alice: Member) -> None:
    track = publish(alice)
    subscribe(alice, track.sid)
    assert subscribed(alice) == []


def permit(member: Member, **fields: object) -> None:
    permission = rtc.SubscriptionPermission(**fields)  # type: ignore[arg-type]
    member.request(rtc.SignalRequest(subscription_permission=permission))


def test_subscription_permissions(alice: Member, bob: Member, rooms: RoomManager) -> None:
    carol, track, other = join(rooms, "carol"), publish(alice), publish(alice, "d")
    permit(alice, track_permissions=[rtc.TrackPermission(participant_identity="carol", track_sids=[track.sid])])
    assert (subscribed(bob), subscribed(carol)) == ([], [track.sid])
    refused = bob.signal("subscription_permission_update").subscription_permission_update
    assert (refused.track_sid, refused.allowed) == (other.sid, False)
    permit(alice, track_permissions=[rtc.TrackPermission(participant_sid=bob.sid, all_tracks=True)])
    assert (subscribed(bob), subscribed(carol)) == ([track.sid, other.sid], [])
    permit(alice)
    assert (subscribed(bob), subscribed(carol)) == ([], [])
    permit(alice, all_participants=True)
    assert (subscribed(bob), subscribed(carol)) == ([track.sid, other.sid], [track.sid, other.sid])


def test_a_permission_without_participant_changes_nothing(alice: Member, bob: Member) -> None:
    track = publish(alice)
    permit(alice, track_permissions=[rtc.TrackPermission(all_tracks=True)])
    assert subscribed(bob) == [track.sid]


def test_permissions_apply_to_later_tracks(alice: Member, bob: Member) -> None:
    permit(alice)
    track = publish(alice)
    assert subscribed(bob) == []
    assert not bob.signal("subscription_permission_update").subscription_permission_update.allowed
    subscribe(bob, track.sid)
    assert subscribed(bob) == []


def test_recorders_are_exempt_from_permissions(alice: Member, rooms: RoomManager) -> None:
    permit(alice)
    recorder, track = join(rooms, grants("recorder", recorder=True)), publish(alice)
    assert subscribed(recorder) == [track.sid]


def change(member: Member, **fields: object) -> None:
    permission = models.ParticipantPermission()
    permission.CopyFrom(member.participant.permission)
    for name, value in fields.items():
        if isinstance(value, list):
            del getattr(permission, name)[:]
            getattr(permission, name).extend(value)
        else:
            setattr(permission, name, value)
    member.room.set_permission(member.participant, permission, 0.0)


def test_tracks_end_with_the_permission_to_publish_them(alice: Member, bob: Member) -> None:
    track, other = publish(alice), publish(alice, "v", source=models.TrackSource.CAMERA)
    change(alice, can_publish_sources=[models.TrackSource.CAMERA])
    assert alice.signal("track_unpublished").track_unpublished.track_sid == track.sid
    assert subscribed(bob) == [other.sid]
    change(alice, can_publish=False)
    assert subscribed(bob) == []
    info = bob.signal("update").update.participants[0]
    assert (list(info.tracks), info.is_publisher) == ([], False)


def test_a_track_is_not_published_after_its_permission_was_revoked(alice: Member, bob: Member) -> None:
    sid = add(alice).track.sid
    change(alice, can_publish=False)
    published = alice.room.media.publish(
        alice.participant, "c", stream_cid="c", mid="7", mime_type="audio/opus", streams=None, now=0.0
    )
    assert published is None
    assert alice.signal("track_unpublished").track_unpublished.track_sid == sid
    assert subscribed(bob) == []


def test_subscriptions_pause_without_the_permission_to_subscribe(alice: Member, bob: Member) -> None:
    track = publish(alice)
    change(bob, can_subscribe=False)
    assert subscribed(bob) == []
    later = publish(alice, "d")
    change(bob, can_subscribe=True)
    assert subscribed(bob) == [track.sid, later.sid]


def test_a_participant_without_the_grant_receives_nothing(alice: Member, rooms: RoomManager) -> None:
    carol, track = join(rooms, grants("carol", canSubscribe=False)), publish(alice)
    subscribe(carol, track.sid)
    assert (subscribed(carol), carol.link.media_updates) == ([], 0)


def test_tracks_and_subscriptions_end_with_their_participant(alice: Member, bob: Member) -> None:
    publish(alice)
    publish(bob)
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 0.0)
    info = bob.signal("update").update.participants[0]
    assert (info.sid, list(info.tracks)) == (alice.sid, [])
    assert subscribed(bob) == []
    assert [list(track.subscriptions) for track in bob.room.media.tracks] == [[]]


def test_a_participant_moves_with_its_tracks(alice: Member, bob: Member, rooms: RoomManager) -> None:
    track, left = publish(alice), publish(bob)
    carol = join(rooms, grants("carol", room="other"))
    brought = publish(carol)
    rooms.move(alice.room, alice.participant, "other", 0.0)
    assert (subscribed(bob), subscribed(carol), subscribed(alice)) == ([], [track.sid], [brought.sid])
    assert list(bob.signal("update").update.participants[0].tracks) == []
    moved = alice.signal("room_moved").room_moved
    assert [info.sid for info in moved.participant.tracks] == [track.sid]
    allowed = carol.signal("subscription_permission_update").subscription_permission_update
    assert allowed.participant_sid == alice.participant.sid
    assert [each.sid for each in bob.room.media.tracks] == [left.sid]


def synchronize(member: Member, **fields: object) -> None:
    member.request(rtc.SignalRequest(sync_state=rtc.SyncState(**fields)))  # type: ignore[arg-type]


def test_a_resuming_client_keeps_its_tracks_and_states_its_subscriptions(alice: Member, bob: Member) -> None:
    track, other = publish(alice), publish(alice, "d")
    pending = add(bob, "p").track
    published = [rtc.TrackPublishedResponse(cid="p", track=pending)]
    unsubscribed = rtc.UpdateSubscription(track_sids=[track.sid], subscribe=False)
    synchronize(bob, publish_tracks=published, subscription=unsubscribed, track_sids_disabled=[other.sid])
    assert subscribed(bob) == [other.sid]
    assert bob.participant.media.settings[other.sid].disabled
    assert "leave" not in bob.kinds()


def test_a_client_with_unknown_tracks_must_join_again(bob: Member) -> None:
    unknown = rtc.TrackPublishedResponse(cid="p", track=models.TrackInfo(sid="TR_unknown"))
    synchronize(bob, publish_tracks=[unknown])
    assert bob.signal("leave").leave.action == rtc.LeaveRequest.RECONNECT
    assert (bob.link.dropped_signal, bob.is_in_room()) == (1, True)


def test_a_subscription_without_a_common_codec_ends(alice: Member, bob: Member) -> None:
    track = publish(alice)
    bob.room.media.codec_unsupported(bob.participant, bob.participant.media.subscriptions[track.sid])
    response = bob.signal("subscription_response").subscription_response
    assert (response.track_sid, response.err) == (track.sid, models.SubscriptionError.SE_CODEC_UNSUPPORTED)
    assert subscribed(bob) == []
