from __future__ import annotations

import pytest

from livekit.webrtc.certificate import Fingerprint
from livekit.webrtc.ice import Candidate, Credentials
from livekit.webrtc.negotiation import LocalParameters, data_media_section, describe, read_remote, unused_mid
from livekit.webrtc.sdp import Attributes, MediaSection, SdpError, SessionDescription
from tests.webrtc.descriptions import DATA_SECTION, FINGERPRINT, SINGLE_CONNECTION_OFFER, TRANSPORT, data_offer

LOCAL = LocalParameters(
    credentials=Credentials(ufrag="ours", password="p" * 24),
    fingerprint=Fingerprint("sha-256", "AB:CD"),
    setup="active",
    candidates=[Candidate.local("host", ("10.0.0.1", 5), preference=1)],
    end_of_candidates=True,
    max_message_size=65_536,
    max_packet_size=15_000,
)


def answer(text: str) -> SessionDescription:
    offer = SessionDescription.parse(text)
    return SessionDescription.parse(
        str(describe(offer.media, LOCAL, session_id=7, version=3, bundle=offer.bundled_mids()))
    )


def test_bundled_media_is_answered_as_inactive() -> None:
    ours = answer(SINGLE_CONNECTION_OFFER)
    assert ours.bundled_mids() == ["0", "1", "2"]
    assert [section.mid for section in ours.media] == ["0", "1", "2"]
    assert [section.direction for section in ours.media] == ["inactive", "inactive", "sendrecv"]
    assert [section.port for section in ours.media] == [9, 9, 9]
    assert {section.setup for section in ours.media} == {"active"}
    audio = ours.media[0]
    assert audio.formats == ["111", "63"]
    assert audio.attributes.all("rtpmap") == ["111 opus/48000/2", "63 red/48000/2"]
    assert "rtcp-mux" in audio.attributes


def test_candidates_are_in_the_tagged_section() -> None:
    ours = answer(SINGLE_CONNECTION_OFFER)
    assert [len(section.candidates) for section in ours.media] == [1, 0, 0]
    assert ours.media[0].has_end_of_candidates


def test_unbundled_media_is_rejected() -> None:
    ours = answer(SINGLE_CONNECTION_OFFER.replace("BUNDLE 0 1 2", "BUNDLE 2"))
    assert [section.port for section in ours.media] == [0, 0, 9]
    assert [len(section.candidates) for section in ours.media] == [0, 0, 1]
    assert ours.bundled_mids() == ["2"]


def test_offer_without_a_bundle_group_gets_none() -> None:
    ours = answer(SINGLE_CONNECTION_OFFER.replace("a=group:BUNDLE 0 1 2\r\n", ""))
    assert ours.bundled_mids() == []
    assert [section.port for section in ours.media] == [0, 0, 9]


def test_rejected_and_unknown_sections_remain_rejected() -> None:
    text = SINGLE_CONNECTION_OFFER.replace("m=audio 41057", "m=audio 0") + "m=text 9 TCP/MSRP *\r\na=mid:9\r\n"
    ours = answer(text.replace("BUNDLE 0 1 2", "BUNDLE 1 2 9"))
    assert [section.port for section in ours.media] == [0, 9, 9, 0]
    assert ours.bundled_mids() == ["1", "2"]


def test_bundle_only_sections_are_accepted() -> None:
    text = SINGLE_CONNECTION_OFFER.replace("m=video 9", "m=video 0").replace(
        "a=mid:1\r\n", "a=mid:1\r\na=bundle-only\r\n"
    )
    assert [section.port for section in answer(text).media] == [9, 9, 9]


def test_initial_offer() -> None:
    offer = describe([data_media_section()], LOCAL, session_id=1, version=1, bundle=["0"])
    remote = read_remote(SessionDescription.parse(str(offer)), is_offer=True)
    assert (remote.mid, remote.index, remote.sctp_port, remote.max_message_size) == ("0", 0, 5000, 65_536)
    assert remote.max_packet_size == 15_000
    assert remote.credentials == LOCAL.credentials
    assert list(remote.candidates) == list(LOCAL.candidates)


def test_origin_line_has_session_id_and_version() -> None:
    assert answer(data_offer()).session_lines[1].split()[1:3] == ["7", "3"]


def test_transport_attributes_may_be_in_the_tagged_section_only() -> None:
    bare = DATA_SECTION.replace(TRANSPORT, "c=IN IP4 0.0.0.0\r\n")
    remote = read_remote(SessionDescription.parse(SINGLE_CONNECTION_OFFER.replace(DATA_SECTION, bare)), is_offer=True)
    assert remote.credentials.ufrag == "QbCv"
    assert remote.setup == "actpass"
    assert len(remote.fingerprints) == 1
    assert [candidate.port for candidate in remote.candidates] == [41057]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("m=application 9", "m=application 0", "data channels"),
        ("a=ice-ufrag:QbCv\r\n", "", "ICE credentials"),
        ("a=ice-pwd:YBkUdD7J4XgKh9POOWRvlxGC\r\n", "", "ICE credentials"),
        (f"a={FINGERPRINT}\r\n", "", "fingerprint"),
        ("fingerprint:sha-256", "fingerprint:sha-1", "fingerprint"),
        ("a=setup:actpass\r\n", "", "setup"),
        ("a=sctp-port:5000\r\n", "", "sctp-port"),
    ],
)
def test_missing_attributes_are_named(old: str, new: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        read_remote(SessionDescription.parse(data_offer().replace(old, new)), is_offer=True)


def test_answer_must_choose_a_dtls_role() -> None:
    with pytest.raises(SdpError, match="active"):
        read_remote(SessionDescription.parse(data_offer()), is_offer=False)


def test_description_without_a_bundle_group() -> None:
    text = data_offer().replace("a=group:BUNDLE 2\r\n", "")
    remote = read_remote(SessionDescription.parse(text), is_offer=True)
    assert (remote.mid, remote.credentials.ufrag) == ("2", "QbCv")


def test_described_media_has_its_own_formats_and_attributes() -> None:
    offer = SessionDescription.parse(SINGLE_CONNECTION_OFFER)
    body = MediaSection("audio", 9, "", ["63"], Attributes([("mid", "0"), ("recvonly", ""), ("rtcp-mux", "")]))
    ours = describe(offer.media, LOCAL, session_id=7, version=3, bundle=offer.bundled_mids(), media={"0": body})
    audio, video = ours.media[:2]
    assert (audio.formats, audio.direction, audio.protocol) == (["63"], "recvonly", "UDP/TLS/RTP/SAVPF")
    assert (audio.setup, len(audio.candidates), audio.attributes.all("rtcp-mux")) == ("active", 1, [""])
    assert audio.attributes.all("rtpmap") == []
    assert video.direction == "inactive"
    assert body.attributes.items == [("mid", "0"), ("recvonly", ""), ("rtcp-mux", "")]


def test_mid_of_a_new_section_is_not_in_use() -> None:
    sections = SessionDescription.parse(SINGLE_CONNECTION_OFFER).media  # mids 0 to 2
    assert unused_mid([]) == "0"
    assert unused_mid(sections) == "3"
    assert unused_mid(sections[1:]) == "3"
    assert unused_mid(sections[:1]) == "1"
