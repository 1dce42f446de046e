from __future__ import annotations

from livekit._util.callbacks import ignore
from livekit.protocol import models
from livekit.server.media.forwarder import Forwarder
from livekit.server.media.participant_quality import rate_participant, received_publishers
from livekit.server.media.published_track import PublishedTrack, Subscription
from livekit.server.media.publisher_limit import PublisherLimit
from livekit.server.media.quality import BEST
from livekit.server.media.track_output import TrackOutput
from livekit.server.media.track_streams import TrackStreams
from livekit.webrtc.media_interfaces import MediaKind
from livekit.webrtc.rtp.rtcp import ReportBlock
from tests.server.media.media_packets import OPUS, audio
from tests.server.recording_link import Member, join, make_rooms

POOR = models.ConnectionQuality.POOR


def _publish(publisher: Member, *subscribers: Member) -> TrackStreams:
    track = PublishedTrack(models.TrackInfo(sid="TR_a"), "cid", "alice", publisher.sid)
    track.streams = TrackStreams(MediaKind.AUDIO, PublisherLimit())
    track.streams.use_section([OPUS], None, None)
    publisher.participant.media.published["TR_a"] = track
    for subscriber in subscribers:
        subscription = subscriber.participant.media.subscriptions["TR_a"] = Subscription("TR_a", 0.0)
        subscription.track = track
        subscription.output = TrackOutput(Forwarder(7, 48_000, codecs=[OPUS]), ignore, ignore)
        track.streams.add(subscription.output, 0.0)
    return track.streams


def test_participant_is_as_good_as_its_worst_track() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    streams = _publish(alice, bob)
    members = (alice.participant, bob.participant)
    assert [rate_participant(member, 0.0) for member in members] == [BEST, BEST]
    for number in range(100):
        streams.receive(audio(number), "", 0.02 * number)
    subscription = bob.participant.media.subscriptions["TR_a"]
    assert subscription.output is not None
    subscription.output.forwarder.receive_report(ReportBlock(ssrc=7, cumulative_lost=50), 4.0)
    assert rate_participant(alice.participant, 5.0) == BEST
    assert rate_participant(bob.participant, 5.0).quality == POOR
    alice.participant.media.published["TR_a"].info.muted = True
    subscription.output.set_paused(True, 6.0)
    assert [rate_participant(member, 10.0) for member in members] == [BEST, BEST]


def test_publishers_are_those_of_the_subscribed_tracks() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    _publish(alice, bob)
    bob.participant.media.subscriptions["TR_b"] = Subscription("TR_b", 0.0)
    assert list(received_publishers(bob.participant)) == [alice.sid]
    assert list(received_publishers(alice.participant)) == []
