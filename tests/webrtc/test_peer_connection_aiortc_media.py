"""Audio between a peer connection and aiortc, in both roles: another implementation of RTP, SRTP and their SDP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest

aiortc = pytest.importorskip("aiortc")

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription  # noqa: E402
from aiortc.mediastreams import AudioStreamTrack  # noqa: E402

from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId  # noqa: E402
from livekit.webrtc.peer_connection import RtcPeerConnection  # noqa: E402
from livekit.webrtc.rtp.packet import RtpPacket  # noqa: E402
from livekit.webrtc.rtp.rtcp import RtcpPacket, SenderReport, TransportWideFeedback  # noqa: E402
from tests.webrtc.test_peer_connection import RELIABLE, WAIT, ours  # noqa: E402

OPUS = Codec(payload_type=109, name="opus", clock_rate=48_000, channels=2, parameters="useinbandfec=1")
SILENCE = bytes.fromhex("fcfffe")
"""20 ms of silence in stereo."""

Negotiate = Callable[[RtcPeerConnection, RTCPeerConnection], Awaitable[None]]


async def offer_to(local: RtcPeerConnection, peer: RTCPeerConnection) -> None:
    await peer.setRemoteDescription(RTCSessionDescription(await local.create_offer(), "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    await local.accept_answer(peer.localDescription.sdp)


async def answer_to(local: RtcPeerConnection, peer: RTCPeerConnection) -> None:
    await peer.setLocalDescription(await peer.createOffer())
    answer = await local.accept_offer(peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))


@asynccontextmanager
async def connection() -> AsyncGenerator[tuple[RtcPeerConnection, RTCPeerConnection], None]:
    local, peer = ours(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield local, peer
    finally:
        await peer.close()
        await local.close()


@pytest.mark.parametrize("negotiate", [offer_to, answer_to])
async def test_audio_in_both_directions(negotiate: Negotiate) -> None:
    async with connection() as (local, peer):
        packets: asyncio.Queue[RtpPacket] = asyncio.Queue()
        reports: asyncio.Queue[Sequence[RtcpPacket | TransportWideFeedback]] = asyncio.Queue()
        tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        peer.on("track", tracks.put_nowait)
        peer.addTrack(AudioStreamTrack())
        local.on_rtcp = reports.put_nowait

        def accept() -> None:
            section = local.transceivers[0]
            section.direction, section.codecs = Direction.SENDRECV, [OPUS]
            section.stream_id = MediaStreamId("PA_x|TR_y", "TR_y")

        if negotiate is offer_to:
            local.create_channel(RELIABLE)
            local.add_transceiver(MediaKind.AUDIO, Direction.SENDRECV, [OPUS])
            accept()
        else:
            peer.createDataChannel("_reliable")
            local.on_offer = accept
        await negotiate(local, peer)
        section = local.transceivers[0]
        section.on_packet = lambda packet, rid: packets.put_nowait(packet)
        assert section.current_direction is Direction.SENDRECV
        received = [await asyncio.wait_for(packets.get(), WAIT) for _ in range(3)]
        payload_type = section.current_codecs[0].payload_type
        assert {packet.payload_type for packet in received} == {payload_type}
        assert received[1].sequence_number == (received[0].sequence_number + 1) & 0xFFFF
        track = await asyncio.wait_for(tracks.get(), WAIT)
        for number in range(10):
            assert section.send(RtpPacket(payload_type, number, 960 * number, section.ssrc, SILENCE))
        receive = cast("Callable[[], Coroutine[object, object, object]]", getattr(track, "recv"))  # noqa: B009  # untyped
        assert getattr(await asyncio.wait_for(receive(), WAIT), "sample_rate", 0) == 48_000
        while not isinstance(report := (await asyncio.wait_for(reports.get(), WAIT))[0], SenderReport):
            """A receiver's report may come first."""
        assert report.ssrc == received[0].ssrc
