"""Media between two peer connections over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import PictureLossIndication, RtcpPacket, TransportWideFeedback
from livekit.webrtc.transceiver import RtcTransceiver
from tests.webrtc.test_peer_connection import RELIABLE, WAIT, Watched, negotiate, ours

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1")
RED = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")
VP8 = Codec(payload_type=96, name="VP8", clock_rate=90_000, feedback=("nack", "nack pli"))


class Client(Watched):
    """An offerer with three free sections of each kind, as official clients have them."""

    def __init__(self) -> None:
        self.pc = ours()
        super().__init__(self.pc)
        self.open(RELIABLE)
        for kind, codecs in ((MediaKind.AUDIO, [OPUS, RED]), (MediaKind.VIDEO, [VP8])):
            for _ in range(3):
                self.pc.add_transceiver(kind, Direction.RECVONLY, codecs)

    def publish(self, cid: str) -> RtcTransceiver:
        transceiver = self.pc.add_transceiver(
            MediaKind.AUDIO, Direction.SENDONLY, [RED, OPUS], extensions=[AUDIO_LEVEL_URI]
        )
        transceiver.stream_id = MediaStreamId("-", cid)
        return transceiver


class Forwarder(Watched):
    """An answerer that receives whatever the peer sends."""

    def __init__(self) -> None:
        self.pc = ours()
        super().__init__(self.pc)
        self.pc.on_offer = self._accept
        self.pc.on_rtcp = self._receive_rtcp
        self.packets: asyncio.Queue[tuple[str | None, RtpPacket, str]] = asyncio.Queue()
        self.rtcp: asyncio.Queue[RtcpPacket | TransportWideFeedback] = asyncio.Queue()

    def _accept(self) -> None:
        for transceiver in self.pc.transceivers:
            if transceiver.remote_direction.sends:
                transceiver.direction = Direction.RECVONLY
                transceiver.extensions = [AUDIO_LEVEL_URI]
                transceiver.on_packet = self._deliver(transceiver)

    def _deliver(self, transceiver: RtcTransceiver) -> Callable[[RtpPacket, str], None]:
        return lambda packet, rid: self.packets.put_nowait((transceiver.mid, packet, rid))

    def _receive_rtcp(self, packets: Sequence[RtcpPacket | TransportWideFeedback]) -> None:
        for packet in packets:
            self.rtcp.put_nowait(packet)


@asynccontextmanager
async def connected_media() -> AsyncGenerator[tuple[Client, Forwarder], None]:
    client, forwarder = Client(), Forwarder()
    try:
        await negotiate(client.pc, forwarder.pc)
        await client.until_open("_reliable")
        yield client, forwarder
    finally:
        await client.pc.close()
        await forwarder.pc.close()


def packet(transceiver: RtcTransceiver, number: int, payload: bytes = b"opus") -> RtpPacket:
    return RtpPacket(transceiver.current_codecs[0].payload_type, number, 960 * number, transceiver.ssrc, payload)


async def test_published_track_arrives_at_its_section() -> None:
    async with connected_media() as (client, forwarder):
        track = client.publish("TR_cid")
        await negotiate(client.pc, forwarder.pc)
        assert (track.mid, track.current_direction) == ("7", Direction.SENDONLY)
        assert [codec.name for codec in track.current_codecs] == ["red", "opus"]
        sent = packet(track, 1)
        assert track.send(sent)
        assert await asyncio.wait_for(forwarder.packets.get(), WAIT) == ("7", sent, "")
        assert forwarder.pc.transceivers[6].remote_stream_id == MediaStreamId("-", "TR_cid")


async def test_forwarded_track_arrives_at_a_free_section() -> None:
    async with connected_media() as (client, forwarder):
        received: asyncio.Queue[RtpPacket] = asyncio.Queue()
        section = forwarder.pc.transceivers[0]
        section.direction, section.stream_id = Direction.SENDONLY, MediaStreamId("PA_x|TR_y", "TR_y")
        await negotiate(client.pc, forwarder.pc)
        receiver = client.pc.transceivers[0]
        receiver.on_packet = lambda packet, rid: received.put_nowait(packet)
        assert receiver.remote_stream_id == MediaStreamId("PA_x|TR_y", "TR_y")
        sent = packet(section, 65_535)
        assert section.send(sent)
        assert await asyncio.wait_for(received.get(), WAIT) == sent


async def test_serialized_packet_is_sent_and_repeated_unchanged() -> None:
    async with connected_media() as (client, forwarder):
        track = client.publish("TR_cid")
        await negotiate(client.pc, forwarder.pc)
        sent = packet(track, 1)
        assert not track.send_again(sent.header(), sent.payload, 1)
        assert track.send_serialized(sent.header(), sent.payload, 1)
        assert not track.send_serialized(sent.header(), sent.payload, 1)  # a sequence number is used once
        assert await asyncio.wait_for(forwarder.packets.get(), WAIT) == ("7", sent, "")
        assert track.send_again(sent.header(), sent.payload, 1)  # which the peer drops as a replay
        following = packet(track, 2)
        assert track.send_serialized(following.header(), following.payload, 2)
        assert await asyncio.wait_for(forwarder.packets.get(), WAIT) == ("7", following, "")


async def test_rtcp_arrives() -> None:
    async with connected_media() as (client, forwarder):
        request = PictureLossIndication(sender_ssrc=1, media_ssrc=2)
        assert client.pc.send_rtcp([request])
        assert await asyncio.wait_for(forwarder.rtcp.get(), WAIT) == request


async def test_nothing_is_sent_before_and_after_the_connection() -> None:
    client = Client()
    track = client.publish("TR_cid")
    await client.pc.create_offer()
    assert not track.send(RtpPacket(111, 1, 1, track.ssrc))
    assert not track.send_serialized(RtpPacket(111, 1, 1, track.ssrc).header(), b"", 1)
    assert not track.send_again(RtpPacket(111, 1, 1, track.ssrc).header(), b"", 1)
    assert not client.pc.send_rtcp([PictureLossIndication(sender_ssrc=1, media_ssrc=2)])
    await client.pc.close()
    async with connected_media() as (client, forwarder):
        track = client.publish("TR_cid")
        await negotiate(client.pc, forwarder.pc)
        await client.pc.close()
        assert not track.send(packet(track, 1))
