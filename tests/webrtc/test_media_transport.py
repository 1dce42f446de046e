from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind
from livekit.webrtc.media_transport import MAX_EARLY_PACKETS, MediaTransport
from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.rtp.rtcp import PictureLossIndication, ReceiverReport, RtcpPacket, TransportWideFeedback
from livekit.webrtc.srtp import MasterKey, SrtpProfile, SrtpSender
from livekit.webrtc.stream_router import StreamRouter
from livekit.webrtc.transceiver import RtcTransceiver
from tests.webrtc.dtls_pairs import connected_dtls
from tests.webrtc.recording_sender import RecordingSender

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2)
PLI = PictureLossIndication(sender_ssrc=1, media_ssrc=2)


class End:
    """A media transport with one section that receives, and the datagrams that it sends."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.has_path = True
        self.packets: list[RtpPacket] = []
        self.rtcp: list[RtcpPacket | TransportWideFeedback] = []
        self.section = RtcTransceiver(MediaKind.AUDIO, Direction.RECVONLY, [OPUS], (), RecordingSender())
        self.section.mid, self.section.current_direction, self.section.current_codecs = "0", Direction.RECVONLY, [OPUS]
        self.section.on_packet = lambda packet, rid: self.packets.append(packet)
        router = StreamRouter()
        router.update([self.section])
        self.transport = MediaTransport(router, self._send)
        self.transport.on_rtcp = self.rtcp.extend

    def _send(self, datagram: bytes) -> bool:
        self.sent.append(datagram)
        return self.has_path


class Pair:
    """Two ends, connected by the keys of two DTLS associations."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, profile: bytes = b"SRTP_AEAD_AES_128_GCM") -> None:
        self.a, self.b = End(), End()
        self.dtls = connected_dtls(monkeypatch, profile)
        self.a.transport.connect(self.dtls[0])

    def connect_b(self) -> None:
        self.b.transport.connect(self.dtls[1])

    def deliver(self) -> None:
        for datagram in self.a.sent:
            self.b.transport.receive(datagram)
        self.a.sent.clear()


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = Pair(monkeypatch)
    made.connect_b()
    return made


def packet(number: int, payload: bytes = b"opus", *, padding: int = 0, payload_type: int = 111) -> RtpPacket:
    return RtpPacket(payload_type, number, 960 * number, 7, payload, padding_size=padding)


@pytest.mark.parametrize("profile", [profile.value.encode() for profile in SrtpProfile])
def test_packets_arrive_under_each_profile(monkeypatch: pytest.MonkeyPatch, profile: bytes) -> None:
    pair = Pair(monkeypatch, profile)
    pair.connect_b()
    sent = [packet(1), packet(2, b"", padding=9), packet(3, bytes(1100), padding=1)]
    assert all(pair.a.transport.send(each) for each in sent)
    assert pair.a.transport.send_rtcp([ReceiverReport(ssrc=1), PLI])
    pair.deliver()
    assert pair.b.packets == sent
    assert pair.b.rtcp == [ReceiverReport(ssrc=1), PLI]


def test_datagrams_are_protected(pair: Pair) -> None:
    pair.a.transport.send(packet(1, b"in the clear?"))
    pair.a.transport.send_rtcp([PLI])
    assert not any(b"clear" in datagram for datagram in pair.a.sent)


def test_serialized_and_repeated_packets(pair: Pair) -> None:
    sent = packet(1)
    assert pair.a.transport.send_serialized(sent.header(), sent.payload, sent.ssrc, 1)
    first = pair.a.sent[0]
    assert pair.a.transport.send_again(sent.header(), sent.payload, sent.ssrc, 1)
    assert pair.a.sent == [first, first]
    assert not pair.a.transport.send_again(sent.header(), sent.payload, 99, 1)


def test_nothing_is_sent_without_keys(pair: Pair) -> None:
    end, sent = End(), packet(1)
    assert not end.transport.send(sent)
    assert not end.transport.send_again(sent.header(), sent.payload, sent.ssrc, 1)
    assert not end.transport.send_rtcp([PLI])
    pair.a.transport.close()
    assert not pair.a.transport.send(sent)
    assert not end.sent
    assert not pair.a.sent


def test_result_tells_whether_there_is_a_path(pair: Pair) -> None:
    pair.a.has_path = False
    assert not pair.a.transport.send(packet(1))
    assert not pair.a.transport.send_rtcp([PLI])


def test_packets_that_cannot_be_sent(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RtpError):
        pair.a.transport.send(RtpPacket(200, 1, 1, 1))
    assert pair.a.transport.send(packet(1))
    assert not pair.a.transport.send(packet(1))
    assert not pair.a.transport.send_rtcp([])
    monkeypatch.setattr("livekit.webrtc.srtp.session.MAX_RTCP_INDEX", -1)
    assert not pair.a.transport.send_rtcp([PLI])
    assert len(pair.a.sent) == 1


def test_early_packets_are_delivered_with_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(monkeypatch)
    for number in range(MAX_EARLY_PACKETS + 3):
        pair.a.transport.send(packet(number))
    pair.deliver()
    assert pair.b.packets == []
    pair.connect_b()
    assert [each.sequence_number for each in pair.b.packets] == list(range(MAX_EARLY_PACKETS))
    assert pair.b.transport.dropped.early == 3


def test_closed_transport_keeps_nothing(pair: Pair) -> None:
    pair.a.transport.send(packet(1))
    pair.b.transport.close()
    pair.deliver()
    assert pair.b.transport.dropped.early == 1
    assert pair.b.packets == []


def test_peer_without_a_common_profile(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    local, peer = connected_dtls(monkeypatch, None)
    end = End()
    end.transport.receive(b"\x80" + bytes(40))
    end.transport.connect(local)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "SRTP" in caplog.text
    assert not end.transport.send(packet(1))
    end.transport.receive(b"\x80" + bytes(40))
    assert end.transport.dropped.early == 1
    message = local.send(b"data")
    assert message is not None
    assert peer.receive_datagram(message, 0.0) == [b"data"]


def test_forged_and_repeated_packets_are_counted(pair: Pair) -> None:
    stranger = SrtpSender(SrtpProfile.AEAD_AES_128_GCM, MasterKey(bytes(16), bytes(12)))
    pair.b.transport.receive(stranger.protect_rtp(packet(1).serialize()))
    pair.b.transport.receive(stranger.protect_rtcp(b"\x81\xce\x00\x02" + bytes(8)))
    assert pair.b.transport.dropped.rejected == 2
    pair.a.transport.send(packet(1))
    pair.b.transport.receive(pair.a.sent[0])
    pair.deliver()
    assert pair.b.packets == [packet(1)]
    assert pair.b.transport.dropped.rejected == 3


def test_packets_of_no_section_are_counted(pair: Pair) -> None:
    pair.a.transport.send(packet(1, payload_type=99))
    pair.deliver()
    assert pair.b.transport.dropped.unrouted == 1


def test_malformed_rtcp_of_the_peer_is_counted(pair: Pair) -> None:
    sender = pair.a.transport._sender
    assert sender is not None
    pair.b.transport.receive(sender.protect_rtcp(b"\x81\xce\x00\x09" + bytes(8)))
    assert pair.b.transport.dropped.rejected == 1
    assert pair.b.rtcp == []


def test_exceptions_of_callbacks_are_logged(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("of the application")

    pair.b.section.on_packet = pair.b.transport.on_rtcp = fail
    pair.a.transport.send(packet(1))
    pair.a.transport.send_rtcp([PLI])
    pair.deliver()
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


@pytest.fixture(scope="module")
def receiver() -> MediaTransport:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Pair(monkeypatch)
    made.connect_b()
    return made.b.transport


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda data: b"\x80\xc8" + data)))
def test_any_datagram_is_dropped(receiver: MediaTransport, data: bytes) -> None:
    before = receiver.dropped.rejected
    receiver.receive(data)
    assert receiver.dropped.rejected == before + 1
