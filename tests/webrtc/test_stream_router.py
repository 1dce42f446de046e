from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.media_sections import RemoteMedia
from livekit.webrtc.rtp.header_extensions import MID_URI, REPAIRED_RID_URI, RID_URI, encode_extensions
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.stream_router import MAX_LEARNED_SSRCS, StreamRouter
from livekit.webrtc.transceiver import RtcTransceiver
from tests.webrtc.recording_sender import RecordingSender

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2)
VP8 = Codec(payload_type=96, name="VP8", clock_rate=90_000)
IDS = {MID_URI: 4, RID_URI: 10, REPAIRED_RID_URI: 11}


def transceiver(
    mid: str,
    codec: Codec = OPUS,
    *,
    ssrcs: Sequence[int] = (),
    rids: Sequence[str] = (),
    stream: str = "track",
    direction: Direction = Direction.RECVONLY,
) -> RtcTransceiver:
    kind = MediaKind.AUDIO if codec is OPUS else MediaKind.VIDEO
    made = RtcTransceiver(kind, direction, [codec], (), RecordingSender())
    made.mid, made.current_direction, made.current_codecs, made.current_extensions = mid, direction, [codec], IDS
    made.remote = RemoteMedia(kind=kind, mid=mid, stream_id=MediaStreamId("-", stream), ssrcs=ssrcs, rids=rids)
    return made


def packet(ssrc: int, extensions: Mapping[int, bytes] = {}, payload_type: int = 111) -> RtpPacket:  # read only
    profile, block = encode_extensions(extensions)
    return RtpPacket(payload_type, 1, 2, ssrc, b"x", extension_profile=profile, extension=block)


def router(*transceivers: RtcTransceiver) -> StreamRouter:
    made = StreamRouter()
    made.update(transceivers)
    return made


def test_signalled_ssrc() -> None:
    first, second = transceiver("0", ssrcs=[1]), transceiver("1", ssrcs=[2, 3])
    routes = router(first, second)
    assert [routes.route(packet(ssrc)) for ssrc in (1, 2, 3, 4)] == [(first, ""), (second, ""), (second, ""), None]


def test_first_section_keeps_an_ssrc_that_two_list() -> None:
    first, second = transceiver("0", ssrcs=[1]), transceiver("1", ssrcs=[1])
    assert router(first, second).route(packet(1)) == (first, "")


def test_description_corrects_where_an_early_packet_was_taken_for() -> None:
    first, second = transceiver("0", ssrcs=[1]), transceiver("1", ssrcs=[2])
    routes = router(first)
    assert routes.route(packet(2)) == (first, "")
    routes.update([first, second])
    assert routes.route(packet(2)) == (second, "")


def test_mid_binds_the_ssrc() -> None:
    first, second = transceiver("0"), transceiver("1")
    routes = router(first, second)
    assert routes.route(packet(7, {4: b"1"})) == (second, "")
    assert routes.route(packet(7)) == (second, "")


def test_bound_ssrc_does_not_move_to_another_mid() -> None:
    first, second = transceiver("0", ssrcs=[1]), transceiver("1")
    routes = router(first, second)
    assert routes.route(packet(1, {4: b"1"})) == (first, "")
    assert routes.route(packet(7, {4: b"1"})) == (second, "")
    assert routes.route(packet(7, {4: b"0"})) == (second, "")


@pytest.mark.parametrize("extension", [{4: b"9"}, {4: b"\xff\xfe"}, {4: b"1"}])
def test_unknown_mid_is_not_routed(extension: dict[int, bytes]) -> None:
    sending = transceiver("1", direction=Direction.SENDONLY)
    assert router(transceiver("0"), sending).route(packet(7, extension)) is None


def test_rids_of_simulcast() -> None:
    video = transceiver("8", VP8, rids=["q", "h"])
    routes = router(transceiver("0"), video)
    assert routes.route(packet(1, {4: b"8", 10: b"q"}, 96)) == (video, "q")
    assert routes.route(packet(2, {4: b"8", 11: b"q"}, 97)) == (video, "q")
    assert routes.route(packet(3, {10: b"h"}, 96)) == (video, "h")
    assert routes.route(packet(1, payload_type=96)) == (video, "q")


@pytest.mark.parametrize("extensions", [{4: b"8"}, {4: b"8", 10: b"x"}, {10: b"x"}, {}])
def test_unknown_layers_are_not_routed(extensions: dict[int, bytes]) -> None:
    assert router(transceiver("8", VP8, ssrcs=[5], rids=["q", "h"])).route(packet(5, extensions, 96)) is None


def test_rid_in_two_sections_needs_a_mid() -> None:
    first, second = transceiver("0", VP8, rids=["q"]), transceiver("1", VP8, rids=["q"])
    routes = router(first, second)
    assert routes.route(packet(1, {10: b"q"}, 96)) is None
    assert routes.route(packet(1, {4: b"1", 10: b"q"}, 96)) == (second, "q")


def test_rid_of_a_section_without_simulcast_is_ignored() -> None:
    video = transceiver("0", VP8)
    assert router(video).route(packet(1, {4: b"0", 10: b"f"}, 96)) == (video, "")


def test_payload_type_of_a_single_section() -> None:
    audio, video = transceiver("0"), transceiver("1", VP8)
    routes = router(audio, video)
    assert routes.route(packet(1)) == (audio, "")
    assert routes.route(packet(2, payload_type=96)) == (video, "")
    assert routes.route(packet(3, payload_type=97)) is None
    assert router(audio, transceiver("2")).route(packet(1)) is None


def test_learned_sources_are_limited() -> None:
    audio, video = transceiver("0", ssrcs=[1]), transceiver("1", VP8)
    routes = router(audio, video)
    for ssrc in range(100, 100 + MAX_LEARNED_SSRCS + 1):
        assert routes.route(packet(ssrc, {4: b"1"})) == (video, "")
    assert routes.route(packet(100)) == (audio, "")  # forgotten: only the payload type is left
    assert routes.route(packet(101)) == (video, "")
    assert routes.route(packet(1, {4: b"1"})) == (audio, "")


def test_renegotiation_keeps_learned_sources() -> None:
    video = transceiver("0", VP8, rids=["q"])
    routes = router(video)
    routes.route(packet(1, {4: b"0", 10: b"q"}, 96))
    added = transceiver("1", ssrcs=[1, 2])
    routes.update([video, added])
    assert routes.route(packet(1, payload_type=96)) == (video, "q")
    assert routes.route(packet(2)) == (added, "")


def test_sources_of_a_section_that_was_reused_are_forgotten() -> None:
    first, second = transceiver("0", stream="a"), transceiver("1", stream="b")
    routes = router(first, second)
    routes.route(packet(1, {4: b"0"}))
    first.remote = transceiver("0", stream="c").remote
    routes.update([first, second])
    assert routes.route(packet(1)) is None
    assert routes.route(packet(1, {4: b"1"})) == (second, "")
    second.current_direction = Direction.INACTIVE
    routes.update([first, second])
    assert routes.route(packet(1, {4: b"1"})) is None


def test_sections_without_identifiers() -> None:
    bare = transceiver("0")
    bare.current_extensions, bare.remote = {}, None
    assert router(bare).route(packet(1, {4: b"1"})) == (bare, "")
