"""A client and a forwarder of media, as an SDK and a server use peer connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import RtcpPacket, TransportWideFeedback
from livekit.webrtc.transceiver import RtcTransceiver
from tests.webrtc.test_peer_connection import RELIABLE, Watched, negotiate, ours

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
