from __future__ import annotations

import pytest

from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.media_sections import (
    MAX_RIDS,
    MAX_SIGNALLED_SSRCS,
    LocalMedia,
    RemoteMedia,
    read_media,
    write_media,
)
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI, MID_URI, REPAIRED_RID_URI, RID_URI
from livekit.webrtc.sdp import Attributes, MediaSection, SdpError, SessionDescription
from tests.webrtc.media_descriptions import BROWSER_OFFER, SDK_OFFER, SERVER_ANSWER, SERVER_OFFER

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="useinbandfec=1")


def read(text: str, index: int) -> RemoteMedia:
    return read_media(SessionDescription.parse(text).media[index])


def section(*attributes: tuple[str, str]) -> MediaSection:
    return MediaSection("audio", 9, "UDP/TLS/RTP/SAVPF", ["0"], Attributes([("mid", "0"), *attributes]))


def test_free_section_of_a_client() -> None:
    media = read(SDK_OFFER, 0)
    assert (media.kind, media.mid, media.direction) == (MediaKind.AUDIO, "0", Direction.RECVONLY)
    assert (media.stream_id, media.ssrcs, media.rids) == (None, [], [])
    assert media.extensions == {AUDIO_LEVEL_URI: 1, MID_URI: 4}
    assert [codec.payload_type for codec in media.codecs] == [111, 63, 9, 0, 8, 13, 110, 126]
    assert media.has_reduced_size_rtcp
    assert media.allows_mixed_extensions


def test_audio_track_of_a_client() -> None:
    media = read(SDK_OFFER, 3)
    assert media.direction is Direction.SENDONLY
    assert media.stream_id == MediaStreamId("-", "2aba2bc8-2c78-48f3-ba8e-c7f07bfae21c")
    assert media.ssrcs == [1829603358]


def test_simulcast_track_of_a_client_has_rids_and_no_ssrcs() -> None:
    media = read(SDK_OFFER, 4)
    assert media.kind is MediaKind.VIDEO
    assert media.rids == ["f", "h", "q"]
    assert media.ssrcs == []
    assert (media.extensions[RID_URI], media.extensions[REPAIRED_RID_URI]) == (10, 11)


def test_track_of_a_browser() -> None:
    media = read(BROWSER_OFFER, 1)
    assert media.stream_id == MediaStreamId(
        "cba72637-74f5-4beb-8c68-18008da7da2b", "7bb61ebf-4dcc-4c7d-8ff8-1255110363bb"
    )


def test_sections_of_a_server() -> None:
    assert read(SERVER_ANSWER, 0).stream_id == MediaStreamId("PA_W82a|TR_AMyhYL", "TR_AMyhYL")
    assert read(SERVER_ANSWER, 1).stream_id is None
    video = read(SERVER_OFFER, 2)
    assert (video.direction, video.ssrcs) == (Direction.SENDRECV, [2043842281, 2457761269])


def test_stream_id_may_be_in_ssrc_lines_only() -> None:
    media = read_media(section(("ssrc", "5 cname:x"), ("ssrc", "5 msid:stream track")))
    assert media.stream_id == MediaStreamId("stream", "track")
    assert read_media(section(("msid", "stream"))).stream_id == MediaStreamId("stream", "")
    assert read_media(section(("ssrc", "5 msid:"))).stream_id is None


def test_rejected_section_is_inactive() -> None:
    rejected = section()
    rejected.port = 0
    assert read_media(rejected).direction is Direction.INACTIVE


def test_malformed_lines_are_skipped() -> None:
    media = read_media(
        section(
            ("ssrc", "x cname:y"),
            ("ssrc", "4294967296 cname:y"),
            ("ssrc", "7"),
            ("rid", "a"),
            ("rid", "b recv"),
            ("extmap", "1"),
            ("extmap", "0 urn:zero"),
            ("extmap", "256 urn:high"),
            ("extmap", "x urn:x"),
            ("extmap", "2/sendonly urn:two"),
            ("extmap", "2 urn:again"),
            ("extmap", "3 urn:two"),
        )
    )
    assert (media.ssrcs, media.rids, media.extensions) == ([7], [], {"urn:two": 2})


def test_section_needs_a_mid() -> None:
    with pytest.raises(SdpError, match="mid"):
        read_media(MediaSection("audio", 9, "UDP/TLS/RTP/SAVPF", ["0"]))


def test_streams_of_a_section_are_limited() -> None:
    with pytest.raises(SdpError, match=str(MAX_RIDS)):
        read_media(section(*(("rid", f"{number} send") for number in range(MAX_RIDS + 1))))
    with pytest.raises(SdpError, match=str(MAX_SIGNALLED_SSRCS)):
        read_media(section(*(("ssrc", f"{number} cname:x") for number in range(MAX_SIGNALLED_SSRCS + 1))))


def local(direction: Direction = Direction.SENDONLY, stream_id: MediaStreamId | None = None) -> LocalMedia:
    return LocalMedia(
        kind=MediaKind.AUDIO,
        mid="3",
        direction=direction,
        codecs=[OPUS],
        extensions={MID_URI: 4},
        stream_id=stream_id,
        ssrc=77,
        cname="name",
    )


def test_written_section_of_a_track() -> None:
    written = write_media(local(stream_id=MediaStreamId("PA_x|TR_y", "TR_y")))
    assert list(written.lines()) == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:3",
        "a=sendonly",
        "a=extmap-allow-mixed",
        f"a=extmap:4 {MID_URI}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 useinbandfec=1",
        "a=msid:PA_x|TR_y TR_y",
        "a=ssrc:77 cname:name",
        "a=ssrc:77 msid:PA_x|TR_y TR_y",
    ]


@pytest.mark.parametrize("direction", Direction)
def test_stream_is_described_while_the_direction_sends(direction: Direction) -> None:
    media = read_media(write_media(local(direction, MediaStreamId("stream", "track"))))
    assert media.direction is direction
    assert (media.stream_id is not None, media.ssrcs) == (direction.sends, [77] if direction.sends else [])
    assert read_media(write_media(local(direction))).stream_id is None


def test_written_section_to_receive_simulcast() -> None:
    media = LocalMedia(
        kind=MediaKind.VIDEO,
        mid="8",
        direction=Direction.RECVONLY,
        codecs=[],
        extensions={},
        rids=["f", "h", "q"],
        has_reduced_size_rtcp=False,
        allows_mixed_extensions=False,
    )
    attributes = write_media(media).attributes
    assert attributes.all("rid") == ["f recv", "h recv", "q recv"]
    assert attributes.get("simulcast") == "recv f;h;q"
    assert "rtcp-rsize" not in attributes
    assert "extmap-allow-mixed" not in attributes
