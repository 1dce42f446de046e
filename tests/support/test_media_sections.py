"""A data-only stack answers offers with media with the same number of sections."""

from __future__ import annotations

from tests.support.media_sections import restore_media, take_out_media

OFFER = """v=0
a=group:BUNDLE 0 1 2
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=recvonly
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10
m=video 0 UDP/TLS/RTP/SAVPF 96
a=mid:1
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:2
a=ice-ufrag:remote
"""
ANSWER = """v=0
a=group:BUNDLE 2
m=application 4444 UDP/DTLS/SCTP webrtc-datachannel
a=mid:2
a=candidate:1 1 udp 1 127.0.0.1 4444 typ host
a=ice-ufrag:local
a=setup:active
"""


def sections(sdp: str) -> list[list[str]]:
    return [section.split("\r\n") for section in sdp.strip().split("\r\nm=")]


def test_media_sections_are_removed_from_the_offer() -> None:
    session, data = sections(take_out_media(OFFER)[0])
    assert session == ["v=0", "a=group:BUNDLE 2"]
    assert data[0].startswith("application")


def test_media_sections_are_answered_as_inactive_in_the_bundle() -> None:
    """The first section of a bundle needs its transport and candidates; without them Chromium does not connect."""
    session, audio, video, data = sections(restore_media(ANSWER, take_out_media(OFFER)[1]))
    assert "a=group:BUNDLE 0 2" in session
    assert audio[0] == "audio 9 UDP/TLS/RTP/SAVPF 111"
    expected = ["a=inactive", "a=mid:0", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10", "a=ice-ufrag:local"]
    assert {*expected, "a=setup:active", "a=candidate:1 1 udp 1 127.0.0.1 4444 typ host"} <= set(audio)
    assert video[0].startswith("video 0 ")
    assert not any(line.startswith("a=ice-ufrag") for line in video)
    assert data[0].startswith("application 4444")


def test_data_only_offer_is_unchanged() -> None:
    offer = "v=0\r\na=group:BUNDLE 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"
    data_only, plan = take_out_media(offer)
    assert data_only == offer
    assert restore_media(offer, plan) == offer
