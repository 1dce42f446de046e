"""Sections of connections: what carries which track, in both modes, and what flows."""

from __future__ import annotations

import pytest

from livekit.protocol import models, rtc
from livekit.server.media.sections import MediaSections
from livekit.server.room_manager import RoomManager
from livekit.webrtc.media_interfaces import Direction, MediaKind
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import ReceiverReport
from tests.server.media.fake_connection import FakeConnection, FakeTransceiver
from tests.server.recording_link import Member, join, make_rooms


class Client:
    """A member with its connections and their sections."""

    def __init__(self, rooms: RoomManager, identity: str, *, single: bool = True) -> None:
        self.now = 100.0
        self.member: Member = join(rooms, identity)
        self.connection = FakeConnection()
        self.sections = MediaSections(
            self.member.participant, lambda: self.member.room.media, single=single, clock=lambda: self.now
        )

    def add(self, cid: str, **fields: object) -> None:
        request = rtc.AddTrackRequest(cid=cid, source=models.TrackSource.MICROPHONE)
        request.MergeFrom(rtc.AddTrackRequest(**fields))  # type: ignore[arg-type]
        self.member.request(rtc.SignalRequest(add_track=request))

    def offer(self) -> rtc.MediaSectionsRequirement | None:
        """Offer all sections and take the answer; return what is asked for next."""
        self.sections.receive_offer(self.connection)
        for section in self.connection.transceivers:
            section.apply()
        return self.sections.answer_sent(self.connection)

    def take_offer(self) -> None:
        """Take an offer of the server, and answer that everything is received."""
        self.sections.prepare_offer(self.connection)
        for section in self.connection.transceivers:
            section.remote_direction = Direction.RECVONLY if section.direction.sends else Direction.INACTIVE
            section.apply()
        self.sections.answer_received(self.connection)

    def publish(self, cid: str = "c", **fields: object) -> FakeTransceiver:
        self.add(cid, **fields)
        section = self.connection.offered(track=cid)
        self.offer()
        return section

    def wait(self, seconds: float) -> None:
        """Let time pass and its timers fire."""
        end = self.now + seconds
        while (due := self.sections.next_timer()) is not None and due <= end:
            self.now = max(due, self.now)
            self.sections.handle_timer()
        self.now = end

    @property
    def published(self) -> list[models.TrackInfo]:
        return list(self.member.participant.info().tracks)


def packet(number: int, *, payload: bytes = b"opus", payload_type: int = 111) -> RtpPacket:
    return RtpPacket(payload_type, number, 960 * number, 77, payload)


@pytest.fixture
def rooms() -> RoomManager:
    return make_rooms()


@pytest.fixture
def alice(rooms: RoomManager) -> Client:
    return Client(rooms, "alice")


@pytest.fixture
def bob(rooms: RoomManager, alice: Client) -> Client:
    return Client(rooms, "bob")


def test_a_section_is_matched_by_the_cid(alice: Client) -> None:
    alice.add("a")
    alice.add("b")
    second = alice.connection.offered(track="b")
    alice.offer()
    (info,) = alice.published
    assert (info.codecs[0].cid, info.mid, info.mime_type) == ("b", second.mid, "audio/red")
    assert (second.direction, [codec.name for codec in second.codecs]) == (Direction.RECVONLY, ["red", "opus"])
    assert list(alice.member.participant.media.pending) == ["a"]


def test_a_section_with_another_id_carries_the_pending_track_of_its_kind(alice: Client) -> None:
    alice.add("a")
    alice.add("b")
    alice.connection.offered(track="changed")
    alice.connection.offered(track="a")
    alice.offer()
    assert [(info.codecs[0].cid, info.codecs[0].sdp_cid) for info in alice.published] == [("a", ""), ("b", "changed")]


def test_an_unannounced_section_is_published_once_it_is_announced(alice: Client, bob: Client) -> None:
    bob.connection.offered()
    section = alice.connection.offered(track="c")
    alice.offer()
    section.on_packet(packet(1), "")
    assert (alice.published, section.current_direction) == ([], Direction.RECVONLY)
    alice.add("c")
    alice.sections.tracks_added(alice.connection)
    assert [info.mid for info in alice.published] == [section.mid]


def test_red_is_not_first_if_the_publisher_turned_it_off(alice: Client) -> None:
    section = alice.publish(disable_red=True)
    assert section.codecs[0].name == "opus"
    assert alice.published[0].mime_type == "audio/opus"


def test_an_inactive_section_ends_its_track(alice: Client, bob: Client) -> None:
    section = alice.publish()
    section.remote_direction = Direction.INACTIVE
    alice.offer()
    assert (alice.published, section.direction) == ([], Direction.INACTIVE)
    assert not list(bob.member.participant.media.active_subscriptions())


def test_a_section_that_is_used_for_another_track_ends_the_first(alice: Client) -> None:
    section = alice.publish()
    before = alice.published[0].sid
    alice.add("d")
    section.remote_stream_id = alice.connection.offered(track="d").remote_stream_id
    alice.connection.transceivers.pop()
    alice.offer()
    (info,) = alice.published
    assert info.sid != before
    assert info.codecs[0].cid == "d"


def test_a_section_without_common_codec_publishes_nothing(alice: Client) -> None:
    alice.add("c")
    section = alice.connection.offered(track="c")
    section.remote_codecs = ()
    alice.offer()
    assert alice.published == []


def test_packets_flow_to_subscribers(alice: Client, bob: Client) -> None:
    source = alice.publish()
    free = bob.connection.offered()
    assert bob.offer() is None
    (info,) = alice.published
    assert free.stream_id is not None
    assert (free.stream_id.stream, free.stream_id.track) == (f"{alice.member.sid}|{info.sid}", info.sid)
    assert bob.sections.mid_to_track_id() == {free.mid: info.sid}
    assert alice.member.kinds().count("track_subscribed") == 1
    for number in range(3):
        source.on_packet(packet(number), "")
    assert [payload for _, payload in free.sent] == [b"opus"] * 3
    alice.wait(1.5)
    assert any(isinstance(each, ReceiverReport) and each.blocks[0].ssrc == 77 for each in alice.connection.rtcp)


def test_a_client_without_free_sections_is_asked_for_them_once(alice: Client, bob: Client) -> None:
    alice.publish()
    assert bob.offer() == rtc.MediaSectionsRequirement(num_audios=1)
    assert bob.sections.requirement(bob.connection) is None
    assert bob.offer() is None  # it does not add any: no endless negotiation
    bob.connection.offered()
    assert bob.offer() is None
    assert len(bob.sections.mid_to_track_id()) == 1


def unsubscribe(client: Client, sid: str, *, again: bool = False) -> None:
    update = rtc.UpdateSubscription(track_sids=[sid], subscribe=again)
    client.member.request(rtc.SignalRequest(subscription=update))
    client.sections.refresh()


def test_a_section_is_silent_then_inactive_then_used_again_under_another_ssrc(alice: Client, bob: Client) -> None:
    source, free = alice.publish(), bob.connection.offered()
    bob.offer()
    source.on_packet(packet(1), "")
    sid, ssrc = alice.published[0].sid, free.ssrc
    unsubscribe(bob, sid)
    assert bob.sections.is_settled  # while silence is sent
    source.on_packet(packet(2), "")
    bob.wait(0.5)
    assert len(free.sent) == 11  # one packet and 0.2 s of silence
    unsubscribe(bob, sid, again=True)
    assert bob.sections.requirement(bob.connection) == rtc.MediaSectionsRequirement()
    assert bob.offer() == rtc.MediaSectionsRequirement()
    assert (free.current_direction, bob.sections.mid_to_track_id()) == (Direction.INACTIVE, {})
    assert bob.offer() is None
    assert free.current_direction is Direction.SENDONLY
    assert free.ssrc != ssrc
    source.on_packet(packet(3), "")
    assert len(free.sent) == 12


def test_a_muted_or_disabled_track_is_not_sent(alice: Client, bob: Client) -> None:
    source, free = alice.publish(), bob.connection.offered()
    bob.offer()
    source.on_packet(packet(1), "")
    sid = alice.published[0].sid
    alice.member.request(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=sid, muted=True)))
    bob.sections.refresh()
    bob.wait(2.0)
    assert len(free.sent) == 51  # one second of silence
    source.on_packet(packet(2), "")
    alice.member.request(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=sid)))
    bob.sections.refresh()
    source.on_packet(packet(3), "")
    assert len(free.sent) == 52
    disabled = rtc.UpdateTrackSettings(track_sids=[sid], disabled=True)
    bob.member.request(rtc.SignalRequest(track_setting=disabled))
    bob.sections.refresh()
    source.on_packet(packet(4), "")
    assert len(free.sent) == 52


def test_tracks_survive_a_replaced_connection(alice: Client, bob: Client) -> None:
    source, free = alice.publish(), bob.connection.offered()
    bob.offer()
    source.on_packet(packet(1), "")
    sid = alice.published[0].sid
    alice.sections.publisher_replaced(alice.connection)
    source.on_packet(packet(2), "")
    alice.connection = FakeConnection()
    again = alice.connection.offered(track="c")
    alice.offer()
    again.on_packet(packet(900), "")
    assert ([info.sid for info in alice.published], len(free.sent)) == ([sid], 2)


def test_a_track_that_the_new_connection_lacks_ends(alice: Client) -> None:
    alice.publish()
    alice.sections.publisher_replaced(alice.connection)
    alice.connection = FakeConnection()
    alice.offer()
    assert alice.published == []


def test_the_server_offers_sections_on_a_second_connection(rooms: RoomManager, alice: Client) -> None:
    carol = Client(rooms, "carol", single=False)
    source = alice.publish()
    carol.take_offer()
    (section,) = carol.connection.transceivers
    assert (section.direction, section.kind) == (Direction.SENDRECV, MediaKind.AUDIO)
    source.on_packet(packet(1), "")
    assert len(section.sent) == 1
    unsubscribe(carol, alice.published[0].sid)
    carol.wait(0.5)
    alice.publish("d")
    carol.take_offer()
    assert [each.direction for each in carol.connection.transceivers] == [Direction.RECVONLY, Direction.SENDRECV]
    assert carol.sections.is_settled
    alice.publish("e")
    carol.take_offer()
    assert [each.direction for each in carol.connection.transceivers] == [Direction.SENDRECV] * 2


def test_a_slow_or_broken_subscriber_does_not_stop_the_others(alice: Client, bob: Client, rooms: RoomManager) -> None:
    carol = Client(rooms, "carol")
    source = alice.publish()
    broken, free = bob.connection.offered(), carol.connection.offered()
    bob.offer()
    carol.offer()
    broken.send_serialized = lambda header, payload, sequence_number: False  # type: ignore[method-assign]
    source.on_packet(packet(1), "")
    assert len(free.sent) == 1


def test_speakers_are_announced_to_those_who_hear_them(alice: Client, bob: Client, rooms: RoomManager) -> None:
    deaf = join(rooms, "deaf", auto_subscribe=False)
    source = alice.publish()
    for number in range(60):
        loud = packet(number)
        loud.extension_profile, loud.extension = 0xBEDE, bytes([0x10, 0x80 | 20, 0, 0])
        source.on_packet(loud, "")
        alice.wait(0.02)
    (speaker,) = bob.member.signal("speakers_changed").speakers_changed.speakers
    assert (speaker.sid, speaker.active) == (alice.member.sid, True)
    assert "speakers_changed" in alice.member.kinds()
    assert "speakers_changed" not in deaf.kinds()


def test_closing_ends_everything(alice: Client, bob: Client) -> None:
    source, free = alice.publish(), bob.connection.offered()
    bob.offer()
    bob.sections.close()
    source.on_packet(packet(1), "")
    assert (free.sent, bob.sections.next_timer()) == ([], None)
    alice.sections.close()
    assert alice.sections.next_timer() is None or alice.published
