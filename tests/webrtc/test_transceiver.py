from __future__ import annotations

from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId, Transceiver
from livekit.webrtc.media_sections import RemoteMedia
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.transceiver import RtcTransceiver
from tests.webrtc.recording_sender import RecordingSender

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2)


def test_without_a_description() -> None:
    transceiver: Transceiver = RtcTransceiver(MediaKind.AUDIO, Direction.RECVONLY, [OPUS], (), RecordingSender())
    assert transceiver.mid is None
    assert transceiver.current_direction is None
    assert transceiver.remote_direction is Direction.INACTIVE
    assert transceiver.remote_stream_id is None
    assert (transceiver.remote_codecs, transceiver.remote_rids) == ((), ())
    assert transceiver.extension_id("urn:x") is None
    assert 0 < transceiver.ssrc < 1 << 32
    transceiver.on_packet(RtpPacket(111, 1, 2, 3), "")


def test_with_the_peers_section() -> None:
    transceiver = RtcTransceiver(MediaKind.AUDIO, Direction.RECVONLY, [OPUS], (), RecordingSender())
    stream = MediaStreamId("stream", "track")
    transceiver.remote = RemoteMedia(
        kind=MediaKind.AUDIO, mid="0", direction=Direction.SENDONLY, stream_id=stream, codecs=[OPUS], rids=["q"]
    )
    transceiver.current_extensions = {"urn:x": 3}
    assert transceiver.remote_direction is Direction.SENDONLY
    assert transceiver.remote_stream_id == stream
    assert (transceiver.remote_codecs, transceiver.remote_rids) == ([OPUS], ["q"])
    assert transceiver.extension_id("urn:x") == 3


def test_packets_are_passed_to_the_sender() -> None:
    sender = RecordingSender()
    transceiver = RtcTransceiver(MediaKind.AUDIO, Direction.SENDONLY, [OPUS], (), sender)
    packet = RtpPacket(111, 1, 2, transceiver.ssrc)
    assert transceiver.send(packet)
    assert transceiver.send_serialized(packet.header(), b"opus", 1)
    assert transceiver.send_again(packet.header(), b"opus", 1)
    assert sender.packets == [packet]
    assert sender.serialized == sender.repeated == [(packet.header(), b"opus", transceiver.ssrc, 1)]


def test_serialized_packet_is_protected_under_the_ssrc_of_its_header() -> None:
    sender = RecordingSender()
    transceiver = RtcTransceiver(MediaKind.AUDIO, Direction.SENDONLY, [OPUS], (), sender)
    header = RtpPacket(111, 1, 2, 1234).header()
    transceiver.ssrc = 5678
    transceiver.send_serialized(header, b"late", 1)
    transceiver.send_again(header, b"late", 1)
    assert sender.serialized == sender.repeated == [(header, b"late", 1234, 1)]


def test_sources_differ() -> None:
    sender = RecordingSender()
    made = {RtcTransceiver(MediaKind.AUDIO, Direction.INACTIVE, [], (), sender).ssrc for _ in range(50)}
    assert len(made) == 50
