from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.negotiation import read_remote
from livekit.webrtc.sdp import (
    DEFAULT_MAX_MESSAGE_SIZE,
    MAX_DESCRIPTION,
    MAX_SECTIONS,
    PACKET_SIZE,
    UNLIMITED_MESSAGE_SIZE,
    SdpError,
    SessionDescription,
)
from tests.webrtc.descriptions import DATA_SECTION, FINGERPRINT, SINGLE_CONNECTION_OFFER, TRANSPORT, data_offer

lines = st.sampled_from(SINGLE_CONNECTION_OFFER.split("\r\n"))
texts = st.one_of(
    st.text(max_size=200),
    st.lists(lines | st.text(max_size=40), max_size=40).map("\r\n".join),
    st.lists(lines, max_size=40).map(lambda some: "v=0\r\n" + "\r\n".join(some)),
)


def test_offer_of_an_official_client() -> None:
    description = SessionDescription.parse(SINGLE_CONNECTION_OFFER)
    assert [section.kind for section in description.media] == ["audio", "video", "application"]
    assert description.bundled_mids() == ["0", "1", "2"]
    assert not description.is_ice_lite
    index, data = description.data_section()
    assert (index, data.mid, data.setup, data.sctp_port) == (2, "2", "actpass", 5000)
    assert data.max_message_size == 262_144
    assert data.credentials is not None
    assert data.credentials.ufrag == "QbCv"
    assert [f.algorithm for f in data.fingerprints] == ["sha-256"]
    assert [section.direction for section in description.media] == ["recvonly", "recvonly", "sendrecv"]
    assert [candidate.port for candidate in description.media[0].candidates] == [41057]


def test_serialization_is_lossless() -> None:
    assert str(SessionDescription.parse(SINGLE_CONNECTION_OFFER)) == SINGLE_CONNECTION_OFFER


def test_audio_and_video_are_rtp() -> None:
    text = SINGLE_CONNECTION_OFFER + "m=audio 9 udp wb\r\nm=text 9 RTP/AVP 98\r\n"
    sections = SessionDescription.parse(text).media
    assert [section.is_audio_or_video for section in sections] == [True, True, False, False, False]


def test_unknown_sections_are_preserved() -> None:
    text = data_offer() + "m=text 9 TCP/MSRP *\r\ni=something\r\na=path:msrp://x\r\n"
    description = SessionDescription.parse(text)
    assert str(description) == text
    assert description.media[1].protocol == "TCP/MSRP"


def test_line_feed_alone_ends_a_line() -> None:
    assert len(SessionDescription.parse(SINGLE_CONNECTION_OFFER.replace("\r\n", "\n")).media) == 3


def test_session_level_attributes_are_inherited() -> None:
    bare = DATA_SECTION.replace(TRANSPORT, "")
    session = TRANSPORT.replace("actpass", "passive")
    description = SessionDescription.parse(f"v=0\r\n{session}a=ice-lite\r\n{bare}")
    _, data = description.data_section()
    assert data.setup == "passive"
    assert data.credentials is not None
    assert len(data.fingerprints) == 1
    assert description.is_ice_lite


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("", DEFAULT_MAX_MESSAGE_SIZE),
        ("a=max-message-size:0\r\n", UNLIMITED_MESSAGE_SIZE),
        ("a=max-message-size:1000\r\n", 1000),
    ],
)
def test_max_message_size(line: str, size: int) -> None:
    text = data_offer().replace("a=max-message-size:262144\r\n", line)
    assert SessionDescription.parse(text).data_section()[1].max_message_size == size


def test_malformed_candidates_are_ignored() -> None:
    text = data_offer() + "a=candidate:nonsense\r\na=candidate:1 1 udp 1 10.0.0.1 5 typ host\r\na=end-of-candidates\r\n"
    _, data = SessionDescription.parse(text).data_section()
    assert [candidate.address for candidate in data.candidates] == [("10.0.0.1", 5)]
    assert data.has_end_of_candidates


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "v=0"),
        ("hello", "x="),
        ("v=1\r\n", "v=0"),
        ("v=0\r\nm=audio\r\n", "m-line"),
        ("v=0\r\nm=audio nine RTP/AVP 0\r\n", "port"),
        ("v=0\r\nm=audio 70000 RTP/AVP 0\r\n", "port"),
        ("v=0\r\n" + "m=a 9 b c\r\n" * (MAX_SECTIONS + 1), str(MAX_SECTIONS)),
        ("v=0\r\n" + "a=x\r\n" * (MAX_DESCRIPTION // 4), "limit"),
    ],
)
def test_malformed_descriptions_are_rejected(text: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        SessionDescription.parse(text)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("a=setup:actpass", "a=setup:perhaps", "setup"),
        ("a=sctp-port:5000", "a=sctp-port:x", "sctp-port"),
        ("a=sctp-port:5000", "a=sctp-port:0", "sctp-port"),
        ("a=max-message-size:262144", "a=max-message-size:-1", "max-message-size"),
        ("a=mid:2", f"a=mid:2\r\na={PACKET_SIZE}:65537", PACKET_SIZE),
        ("a=max-message-size:262144", "a=max-message-size:\u0665", "max-message-size"),
        (f"a={FINGERPRINT}", "a=fingerprint:sha-256", "fingerprint"),
    ],
)
def test_malformed_attributes_are_rejected(old: str, new: str, reason: str) -> None:
    description = SessionDescription.parse(data_offer().replace(old, new))
    with pytest.raises(SdpError, match=reason):
        read_remote(description, is_offer=True)


@given(texts)
def test_any_text_parses_or_raises_sdp_error(text: str) -> None:
    try:
        description = SessionDescription.parse(text)
    except SdpError:
        return
    again = SessionDescription.parse(str(description))
    assert str(again) == str(description)
    assert again.bundled_mids() == description.bundled_mids()
    for section in description.media:
        assert section.direction in ("sendrecv", "sendonly", "recvonly", "inactive")


def test_new_description_has_the_session_lines_of_rfc_8829() -> None:
    description = SessionDescription.new(7, 3)
    assert str(description) == "v=0\r\no=- 7 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


def test_data_section_is_required() -> None:
    text = data_offer().replace("m=application 9", "m=application 0")
    with pytest.raises(SdpError, match="data channels"):
        SessionDescription.parse(text).data_section()
