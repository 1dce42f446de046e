from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit.webrtc.certificate import Fingerprint
from livekit.webrtc.ice import Credentials
from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.media_negotiation import MediaNegotiation
from livekit.webrtc.media_sections import read_media
from livekit.webrtc.negotiation import LocalParameters, data_media_section, describe, unused_mid
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI, MID_URI, REPAIRED_RID_URI, RID_URI
from livekit.webrtc.sdp import MediaSection, SdpError, SessionDescription
from livekit.webrtc.transceiver import RtcTransceiver
from tests.webrtc.media_descriptions import BROWSER_OFFER, SDK_OFFER, SERVER_ANSWER, SERVER_OFFER
from tests.webrtc.recording_sender import RecordingSender

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1")
RED = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")
VP8 = Codec(payload_type=96, name="VP8", clock_rate=90_000, feedback=("nack", "nack pli"))
LOCAL = LocalParameters(
    credentials=Credentials(ufrag="ours", password="p" * 24),
    fingerprint=Fingerprint("sha-256", "AB:CD"),
    setup="actpass",
    candidates=[],
    end_of_candidates=True,
    max_message_size=65_536,
)


class Side:
    """One end's negotiation, and the sections of the last description, as a peer connection keeps them."""

    def __init__(self) -> None:
        self.media = MediaNegotiation(RecordingSender())
        self.sections: list[MediaSection] = []

    @property
    def transceivers(self) -> Sequence[RtcTransceiver]:
        return self.media.transceivers

    def add(self, direction: Direction, codecs: Sequence[Codec], *extensions: str) -> RtcTransceiver:
        kind = MediaKind.VIDEO if VP8 in codecs else MediaKind.AUDIO
        return self.media.add(kind, direction, codecs, extensions)

    def offer(self) -> str:
        self.media.add_sections(self.sections)
        if not any(section.is_data_channel for section in self.sections):
            self.sections.append(data_media_section(unused_mid(self.sections)))
        return self._describe(self.media.offered_sections())

    def receive_offer(self, text: str) -> None:
        description = SessionDescription.parse(text)
        self.media.receive_offer(description.media, description.bundled_mids())
        self.sections = description.media

    def answer(self) -> str:
        return self._describe(self.media.answer())

    def receive_answer(self, text: str) -> None:
        self.media.receive_answer(self.sections, SessionDescription.parse(text).media)

    def _describe(self, media: dict[str, MediaSection]) -> str:
        mids = [section.mid or "" for section in self.sections]
        return str(describe(self.sections, LOCAL, session_id=1, version=1, bundle=mids, media=media))


def exchange(offerer: Side, answerer: Side) -> tuple[SessionDescription, SessionDescription]:
    offer = offerer.offer()
    answerer.receive_offer(offer)
    answer = answerer.answer()
    offerer.receive_answer(answer)
    return SessionDescription.parse(offer), SessionDescription.parse(answer)


def client() -> Side:
    """Make an offerer with free sections, as clients with one peer connection are."""
    side = Side()
    for codecs in ([OPUS, RED], [VP8]):
        for _ in range(3):
            side.add(Direction.RECVONLY, codecs)
    return side


# Offers


def test_data_section_follows_those_of_the_first_offer() -> None:
    side = client()
    offer = SessionDescription.parse(side.offer())
    assert [section.kind for section in offer.media] == ["audio"] * 3 + ["video"] * 3 + ["application"]
    assert [section.mid for section in offer.media] == ["0", "1", "2", "3", "4", "5", "6"]
    side.add(Direction.SENDONLY, [RED, OPUS])
    assert [section.mid for section in SessionDescription.parse(side.offer()).media][6:] == ["6", "7"]


def test_offer_has_codecs_as_they_are() -> None:
    side = Side()
    side.add(Direction.SENDRECV, [RED, OPUS], AUDIO_LEVEL_URI)
    media = read_media(SessionDescription.parse(side.offer()).media[0])
    assert media.codecs == [RED, OPUS]
    assert media.extensions == {MID_URI: 1, AUDIO_LEVEL_URI: 2}
    assert media.direction is Direction.SENDRECV


def test_extension_ids_are_the_same_in_all_sections() -> None:
    side = Side()
    for uris in (["urn:a", "urn:b"], ["urn:b", "urn:c"], [f"urn:{number}" for number in range(12)]):
        side.add(Direction.SENDONLY, [OPUS], *uris)
    offered: dict[str, int] = {}
    for section in SessionDescription.parse(side.offer()).media[:3]:
        for uri, identifier in read_media(section).extensions.items():
            assert offered.setdefault(uri, identifier) == identifier
    assert len(set(offered.values())) == len(offered)
    assert 15 not in offered.values()


def test_offer_needs_codecs() -> None:
    side = Side()
    side.add(Direction.SENDONLY, [])
    with pytest.raises(SdpError, match="codec"):
        side.offer()


def test_new_sections_do_not_take_a_mid_of_the_peer() -> None:
    side = Side()
    side.receive_offer(BROWSER_OFFER)  # mids 6 and 7 at positions 0 and 1
    side.answer()
    for _ in range(7):
        side.add(Direction.SENDONLY, [OPUS])
    side.offer()
    assert [section.mid for section in side.sections] == ["6", "7", "2", "3", "4", "5", "8", "9", "10"]
    assert [each.mid for each in side.transceivers] == ["7", "2", "3", "4", "5", "8", "9", "10"]


def test_extension_ids_of_the_peer_are_used_in_later_offers() -> None:
    side = Side()
    side.receive_offer(SDK_OFFER)
    side.answer()
    side.add(Direction.SENDONLY, [OPUS], "urn:new", AUDIO_LEVEL_URI)
    offered = read_media(SessionDescription.parse(side.offer()).media[-1]).extensions
    assert offered == {MID_URI: 4, "urn:new": 5, AUDIO_LEVEL_URI: 1}


# Answers


def test_new_sections_get_inactive_transceivers_with_the_peers_codecs() -> None:
    side = Side()
    side.receive_offer(SDK_OFFER)
    assert [each.mid for each in side.transceivers] == ["0", "3", "7", "8"]
    assert {each.direction for each in side.transceivers} == {Direction.INACTIVE}
    assert side.transceivers[0].codecs == side.transceivers[0].remote_codecs
    answer = SessionDescription.parse(side.answer())
    assert [section.direction for section in answer.media if section.kind != "application"] == ["inactive"] * 4
    assert [section.port for section in answer.media] == [9] * 5
    assert answer.media[0].formats == ["111", "63", "9", "0", "8", "13", "110", "126"]


def test_published_tracks_are_answered_as_a_server_does() -> None:
    side = Side()
    side.receive_offer(SDK_OFFER)
    free, _, audio, video = side.transceivers
    free.direction, free.stream_id = Direction.SENDONLY, MediaStreamId("PA_x|TR_y", "TR_y")
    audio.direction = video.direction = Direction.RECVONLY
    audio.codecs, audio.extensions = [RED, OPUS], [AUDIO_LEVEL_URI]
    answer = SessionDescription.parse(side.answer())
    assert answer.media[0].attributes.get("msid") == "PA_x|TR_y TR_y"
    assert answer.media[0].attributes.all("ssrc")[0] == f"{free.ssrc} cname:PA_x|TR_y"
    assert answer.media[3].formats == ["63", "111"]
    answered = read_media(answer.media[3])
    assert (answered.direction, answered.extensions) == (Direction.RECVONLY, {AUDIO_LEVEL_URI: 1, MID_URI: 4})
    assert audio.extension_id(AUDIO_LEVEL_URI) == 1
    assert [codec.name for codec in audio.current_codecs] == ["red", "opus"]
    simulcast = answer.media[4].attributes
    assert simulcast.all("rid") == ["f recv", "h recv", "q recv"]
    assert simulcast.get("simulcast") == "recv f;h;q"
    assert read_media(answer.media[4]).extensions == {MID_URI: 4, RID_URI: 10, REPAIRED_RID_URI: 11}
    assert video.remote_rids == ["f", "h", "q"]


def test_free_section_may_be_answered_as_sendonly_without_a_stream() -> None:
    side = Side()
    side.receive_offer(SDK_OFFER)
    side.transceivers[0].direction = Direction.SENDONLY
    section = SessionDescription.parse(side.answer()).media[0]
    assert section.direction == "sendonly"
    assert not section.attributes.all("ssrc")
    assert "msid" not in section.attributes


def test_direction_is_limited_by_the_peers() -> None:
    side = Side()
    side.receive_offer(SDK_OFFER)
    for transceiver in side.transceivers:
        transceiver.direction = Direction.SENDRECV
    side.answer()
    assert [each.current_direction for each in side.transceivers] == [
        Direction.SENDONLY,
        Direction.SENDONLY,
        Direction.RECVONLY,
        Direction.RECVONLY,
    ]


def test_subscriber_answers_a_server() -> None:
    side = Side()
    side.receive_offer(SERVER_OFFER)
    for transceiver in side.transceivers:
        transceiver.direction = Direction.RECVONLY
    answer = SessionDescription.parse(side.answer())
    assert [section.direction for section in answer.media[1:]] == ["recvonly", "recvonly"]
    assert side.transceivers[0].remote_stream_id == MediaStreamId("PA_coNs|TR_AMoGk9", "TR_AMoGk9")


def test_section_without_a_common_codec_is_inactive() -> None:
    side = Side()
    side.receive_offer(BROWSER_OFFER)
    side.transceivers[0].direction = Direction.RECVONLY
    side.transceivers[0].codecs = [VP8]
    section = SessionDescription.parse(side.answer()).media[1]
    assert (section.port, section.direction) == (9, "inactive")
    assert side.transceivers[0].current_direction is Direction.INACTIVE


def test_unbundled_and_rejected_sections() -> None:
    side = Side()
    side.receive_offer(SDK_OFFER.replace("BUNDLE 0 3 6 7 8", "BUNDLE 0 6 7 8").replace("m=audio 9", "m=audio 0", 1))
    assert [each.mid for each in side.transceivers] == ["0", "7", "8"]
    assert side.transceivers[0].remote_direction is Direction.INACTIVE


def test_codecs_follow_the_peer_until_the_application_chooses() -> None:
    side = Side()
    side.receive_offer(BROWSER_OFFER)
    side.answer()
    side.receive_offer(BROWSER_OFFER.replace("RTP/SAVPF 111 63", "RTP/SAVPF 63"))
    assert [codec.payload_type for codec in side.transceivers[0].codecs] == [63]
    side.transceivers[0].codecs = [OPUS]
    side.receive_offer(BROWSER_OFFER)
    assert side.transceivers[0].codecs == [OPUS]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            BROWSER_OFFER.replace("BUNDLE 6 7", "BUNDLE 6 7")
            + BROWSER_OFFER.partition("m=audio")[2].join(["m=audio", ""]),
            "same mid",
        ),
        (BROWSER_OFFER.replace("m=audio", "m=video"), "changed from audio to video"),
    ],
)
def test_rejected_offers_change_nothing(text: str, reason: str) -> None:
    side = Side()
    side.receive_offer(BROWSER_OFFER)
    side.answer()
    with pytest.raises(SdpError, match=reason):
        side.receive_offer(text)
    assert [each.mid for each in side.transceivers] == ["7"]
    assert side.transceivers[0].kind is MediaKind.AUDIO


def test_section_that_the_peer_replaced_is_gone() -> None:
    side = Side()
    side.receive_offer(BROWSER_OFFER)
    side.answer()
    side.receive_offer(BROWSER_OFFER.replace("a=mid:7", "a=mid:9").replace("BUNDLE 6 7", "BUNDLE 6 9"))
    assert [each.mid for each in side.transceivers] == ["9"]


# Answers received


def test_answer_of_a_server() -> None:
    side = Side()
    for _ in range(2):
        side.add(Direction.RECVONLY, [OPUS, RED])
    side.offer()
    side.receive_answer(SERVER_ANSWER)
    subscribed, free = side.transceivers
    assert subscribed.current_direction is free.current_direction is Direction.RECVONLY
    assert subscribed.remote_stream_id == MediaStreamId("PA_W82a|TR_AMyhYL", "TR_AMyhYL")
    assert free.remote_stream_id is None
    assert [codec.payload_type for codec in subscribed.current_codecs] == [111, 63]
    assert [codec.payload_type for codec in subscribed.remote_codecs][:2] == [111, 63]
    assert subscribed.extension_id(MID_URI) == 4
    assert subscribed.extension_id(AUDIO_LEVEL_URI) is None


def test_payload_types_to_send_under_are_the_peers() -> None:
    a, b = Side(), Side()
    track = a.add(Direction.SENDONLY, [OPUS])
    b.receive_offer(a.offer())
    b.transceivers[0].direction = Direction.RECVONLY
    a.receive_answer(b.answer().replace("RTP/SAVPF 111", "RTP/SAVPF 109").replace(":111 ", ":109 "))
    assert [codec.payload_type for codec in track.current_codecs] == [109]


def test_rejected_section_sends_nothing() -> None:
    a, b = Side(), Side()
    track = a.add(Direction.SENDONLY, [OPUS])
    b.receive_offer(a.offer())
    b.transceivers[0].direction = Direction.RECVONLY
    a.receive_answer(b.answer().replace("m=audio 9", "m=audio 0"))
    assert track.current_direction is Direction.INACTIVE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m=audio", "m=video"),
        ("a=mid:0\r\n", "a=mid:5\r\n"),
        ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", ""),
    ],
)
def test_answer_that_does_not_match_changes_nothing(old: str, new: str) -> None:
    a, b = Side(), Side()
    track = a.add(Direction.SENDONLY, [OPUS])
    b.receive_offer(a.offer())
    answer = b.answer()
    with pytest.raises(SdpError, match="answer"):
        a.receive_answer(answer.replace(old, new))
    assert track.current_direction is None
    a.receive_answer(answer)
    assert track.current_direction is Direction.INACTIVE


def test_answer_without_mids_leaves_its_sections_as_they_were() -> None:
    a, b = Side(), Side()
    track = a.add(Direction.SENDONLY, [OPUS])
    b.receive_offer(a.offer())
    a.receive_answer(b.answer().replace("a=mid:0\r\n", ""))
    assert track.current_direction is None


# Renegotiation


def test_section_is_reused() -> None:
    a, b = Side(), Side()
    track = a.add(Direction.SENDONLY, [OPUS])
    track.stream_id = MediaStreamId("-", "first")
    exchange(a, b)
    b.transceivers[0].direction = Direction.RECVONLY
    exchange(a, b)
    track.direction = Direction.INACTIVE
    exchange(a, b)
    assert (track.current_direction, b.transceivers[0].remote_direction) == (Direction.INACTIVE,) * 2
    track.direction, track.stream_id = Direction.SENDONLY, MediaStreamId("-", "second")
    offer, _ = exchange(a, b)
    assert [section.mid for section in offer.media] == ["0", "1"]
    assert b.transceivers[0].remote_stream_id == MediaStreamId("-", "second")
    assert b.transceivers[0].current_direction is Direction.RECVONLY


def test_offer_of_the_peer_withdraws_the_local_one() -> None:
    a, b = Side(), Side()
    exchange(a, b)
    track = a.add(Direction.SENDONLY, [OPUS])
    a.offer()
    theirs = b.add(Direction.SENDONLY, [VP8])
    exchange(b, a)
    assert (theirs.mid, track.mid, track.index) == ("1", None, None)
    assert [each.kind for each in a.transceivers] == [MediaKind.VIDEO, MediaKind.AUDIO]
    exchange(a, b)
    assert track.mid == "2"


KINDS = st.sampled_from([(OPUS, RED), (VP8,)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.booleans(), st.sampled_from(Direction), KINDS),
        st.tuples(st.just("direction"), st.booleans(), st.sampled_from(Direction), st.integers(0, 9)),
        st.tuples(st.just("exchange"), st.booleans()),
        st.tuples(st.just("lost offer"), st.booleans()),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_both_sides_agree_after_each_exchange(steps: list[tuple[object, ...]]) -> None:
    sides = Side(), Side()
    seen: list[str | None] = []
    for name, which, *arguments in steps:
        side, other = sides if which else sides[::-1]
        if name == "add":
            side.add(arguments[0], list(arguments[1]))  # type: ignore[arg-type, call-overload]  # as drawn
        elif name == "direction" and side.transceivers:
            side.transceivers[int(str(arguments[1])) % len(side.transceivers)].direction = arguments[0]  # type: ignore[assignment]
        elif name == "lost offer":
            side.offer()
        elif name == "exchange":
            offer, answer = exchange(side, other)
            mids = [section.mid for section in offer.media]
            assert [section.mid for section in answer.media] == mids
            assert len(set(mids)) == len(mids)
            assert mids[: len(seen)] == seen
            seen = mids
            check_agreement(*sides)


def check_agreement(a: Side, b: Side) -> None:
    ours = {each.mid: each for each in a.transceivers if each.current_direction is not None}
    theirs = {each.mid: each for each in b.transceivers if each.current_direction is not None}
    assert ours.keys() == theirs.keys()
    for mid, one in ours.items():
        two = theirs[mid]
        assert one.current_direction is not None
        assert two.current_direction is not None
        assert (one.kind, one.index) == (two.kind, two.index)
        assert one.current_direction.sends is two.current_direction.receives
        assert one.current_direction.receives is two.current_direction.sends
        assert [codec.payload_type for codec in one.current_codecs] == [
            codec.payload_type for codec in two.current_codecs
        ]
        assert one.current_extensions == two.current_extensions
