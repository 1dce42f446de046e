from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.codec_matching import (
    codec_attributes,
    format_parameters,
    is_same_codec,
    negotiate_codecs,
    read_codecs,
)
from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.sdp import Attributes, MediaSection

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1")
RED = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")
VP8 = Codec(payload_type=96, name="VP8", clock_rate=90_000, feedback=("nack", "nack pli", "transport-cc"))
VP9 = Codec(payload_type=98, name="VP9", clock_rate=90_000, parameters="profile-id=0")
VP8_RTX = Codec(payload_type=97, name="rtx", clock_rate=90_000, parameters="apt=96")
VP9_RTX = Codec(payload_type=99, name="rtx", clock_rate=90_000, parameters="apt=98")


def section(formats: str, *attributes: tuple[str, str]) -> MediaSection:
    return MediaSection("audio", 9, "UDP/TLS/RTP/SAVPF", formats.split(), Attributes(list(attributes)))


def h264(profile_level_id: str, mode: str = "1", payload_type: int = 109) -> Codec:
    parameters = f"level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile_level_id}"
    return Codec(payload_type=payload_type, name="H264", clock_rate=90_000, parameters=parameters)


def test_codecs_are_read_in_the_order_of_formats() -> None:
    codecs = read_codecs(
        section(
            "63 111 96",
            ("rtpmap", "111 opus/48000/2"),
            ("fmtp", "111 minptime=10;useinbandfec=1"),
            ("rtpmap", "63 red/48000/2"),
            ("fmtp", "63 111/111"),
            ("rtpmap", "96 VP8/90000"),
            ("rtcp-fb", "96 nack"),
            ("rtcp-fb", "96 nack pli"),
            ("rtcp-fb", "* transport-cc"),
        )
    )
    assert [codec.payload_type for codec in codecs] == [63, 111, 96]
    assert codecs[0] == Codec(
        payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111", feedback=("transport-cc",)
    )
    assert codecs[2] == VP8


def test_static_payload_types_need_no_map() -> None:
    assert [(codec.name, codec.clock_rate, codec.channels) for codec in read_codecs(section("0 8 9 13 5"))] == [
        ("PCMU", 8000, 1),
        ("PCMA", 8000, 1),
        ("G722", 8000, 1),
        ("CN", 8000, 1),
    ]


@pytest.mark.parametrize(
    ("formats", "rtpmap"),
    [
        ("96", "96"),
        ("96", "96 opus"),
        ("96", "96 opus/"),
        ("96", "96 opus/x"),
        ("96", "96 /48000"),
        ("96", "96 opus/0"),
        ("96", "96 opus/48000/0"),
        ("96", "96 opus/48000/999"),
        ("96", "96 opus/99999999999999"),
        ("96", "97 opus/48000"),
        ("128", "128 opus/48000"),
        ("x", "x opus/48000"),
        ("\uff19\uff16", "\uff19\uff16 opus/48000"),
    ],
)
def test_malformed_formats_are_skipped(formats: str, rtpmap: str) -> None:
    assert read_codecs(section(formats, ("rtpmap", rtpmap))) == []


def test_first_of_duplicates_counts() -> None:
    codecs = read_codecs(section("96 96", ("rtpmap", "96 VP8/90000"), ("rtpmap", "96 VP9/90000")))
    assert [codec.name for codec in codecs] == ["VP8"]


def test_attributes() -> None:
    assert codec_attributes(OPUS) == [("rtpmap", "111 opus/48000/2"), ("fmtp", "111 minptime=10;useinbandfec=1")]
    assert codec_attributes(VP8)[:2] == [("rtpmap", "96 VP8/90000"), ("rtcp-fb", "96 nack")]


@given(st.lists(st.sampled_from([OPUS, RED, VP8, VP9, VP8_RTX, VP9_RTX]), unique=True))
def test_written_codecs_are_read_unchanged(codecs: list[Codec]) -> None:
    attributes = [attribute for codec in codecs for attribute in codec_attributes(codec)]
    assert read_codecs(section(" ".join(str(codec.payload_type) for codec in codecs), *attributes)) == codecs


def test_format_parameters() -> None:
    assert format_parameters("Profile-Level-ID=42e01f; packetization-mode=1;;0-15") == {
        "profile-level-id": "42e01f",
        "packetization-mode": "1",
    }


@pytest.mark.parametrize(
    ("codec", "other", "same"),
    [
        (OPUS, Codec(payload_type=96, name="OPUS", clock_rate=48_000, channels=2), True),
        (OPUS, Codec(payload_type=111, name="opus", clock_rate=48_000), False),
        (OPUS, Codec(payload_type=111, name="opus", clock_rate=16_000, channels=2), False),
        (VP8, VP9, False),
        (VP9, Codec(payload_type=100, name="VP9", clock_rate=90_000), True),
        (VP9, Codec(payload_type=100, name="VP9", clock_rate=90_000, parameters="profile-id=2"), False),
        (h264("42e01f"), h264("42E034"), True),
        (h264("42e01f"), h264("42e01f", mode="0"), False),
        (h264("42e01f"), h264("42001f"), False),
        (h264("42e01f"), h264("4d801f"), True),
        (h264("4d001f"), h264("4d0032"), True),
        (h264("640c1f"), h264("64001f"), False),
        (h264("f4001f"), h264("f4001f"), True),
        (h264("4299ff"), h264("4299ff"), True),
        (h264("zz"), h264("zz"), True),
        (h264("42e0"), h264("42e01f"), False),
        (h264("42e01f", mode="0"), Codec(payload_type=1, name="H264", clock_rate=90_000), True),
        (
            Codec(payload_type=1, name="AV1", clock_rate=90_000, parameters="level-idx=5;profile=0;tier=0"),
            Codec(payload_type=2, name="AV1", clock_rate=90_000),
            True,
        ),
        (
            Codec(payload_type=1, name="H265", clock_rate=90_000, parameters="level-id=93;tx-mode=srst"),
            Codec(payload_type=2, name="H265", clock_rate=90_000, parameters="profile-id=1;tier-flag=0"),
            True,
        ),
    ],
)
def test_identity_of_codecs(codec: Codec, other: Codec, same: bool) -> None:
    assert is_same_codec(codec, other) is same
    assert is_same_codec(other, codec) is same


def test_rtx_is_the_same_if_it_repairs_the_same_codec() -> None:
    ours = [VP8, VP8_RTX, VP9, VP9_RTX]
    theirs = [
        Codec(payload_type=120, name="VP9", clock_rate=90_000),
        Codec(payload_type=121, name="rtx", clock_rate=90_000, parameters="apt=120"),
        Codec(payload_type=122, name="rtx", clock_rate=90_000, parameters="apt=5"),
        Codec(payload_type=123, name="rtx", clock_rate=90_000),
    ]
    assert not is_same_codec(VP8_RTX, theirs[1], ours, theirs)
    assert is_same_codec(VP9_RTX, theirs[1], ours, theirs)
    assert [codec.payload_type for codec in negotiate_codecs(ours, theirs)] == [120, 121]


def test_rtx_that_repairs_rtx_is_no_codec() -> None:
    first = Codec(payload_type=1, name="rtx", clock_rate=90_000, parameters="apt=2")
    second = Codec(payload_type=2, name="rtx", clock_rate=90_000, parameters="apt=1")
    assert not is_same_codec(first, second, [first, second], [first, second])


def test_answer_has_local_order_and_parameters_under_the_offers_payload_types() -> None:
    offer = [
        Codec(payload_type=100, name="opus", clock_rate=48_000, channels=2, parameters="stereo=1"),
        Codec(payload_type=101, name="red", clock_rate=48_000, channels=2, parameters="100/100"),
        Codec(payload_type=0, name="PCMU", clock_rate=8_000),
    ]
    answer = negotiate_codecs([RED, OPUS], offer)
    assert [(codec.payload_type, codec.name, codec.parameters) for codec in answer] == [
        (101, "red", "100/100"),
        (100, "opus", OPUS.parameters),
    ]


def test_answer_has_the_common_feedback() -> None:
    ours = Codec(payload_type=96, name="VP8", clock_rate=90_000, feedback=("nack", "goog-remb"))
    assert negotiate_codecs([ours], [VP8])[0].feedback == ("nack",)


def test_codecs_that_refer_to_absent_ones_are_left_out() -> None:
    assert negotiate_codecs([RED], [OPUS, RED]) == []
    assert negotiate_codecs([VP8_RTX, VP8], [VP8_RTX, VP8])[0].payload_type == 97
    odd = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="x/y")
    assert negotiate_codecs([odd, OPUS], [odd, OPUS]) == [OPUS]


def test_each_codec_of_the_offer_is_answered_once() -> None:
    assert [codec.payload_type for codec in negotiate_codecs([OPUS, OPUS], [OPUS])] == [111]
