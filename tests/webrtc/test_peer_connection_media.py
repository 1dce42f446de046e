"""Media between two peer connections over loopback."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from livekit.webrtc.interfaces import PeerState
from livekit.webrtc.media_interfaces import Direction, MediaKind, MediaStreamId
from livekit.webrtc.peer_connection import RtcPeerConnection
from livekit.webrtc.rtp.header_extensions import MID_URI, RID_URI, encode_extensions
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import PictureLossIndication
from livekit.webrtc.sdp import SdpError
from tests.webrtc.media_peers import OPUS, VP8, Client, Forwarder, connected_media, packet
from tests.webrtc.test_peer_connection import RELIABLE, WAIT, Watched, negotiate, ours


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


async def test_simulcast_layers_are_told_apart_by_rid() -> None:
    """The offerer is a peer that describes simulcast, which this one does not send itself."""
    async with connected_media() as (client, forwarder):
        video = client.pc.add_transceiver(MediaKind.VIDEO, Direction.SENDONLY, [VP8], extensions=[RID_URI])
        offer = await client.pc.create_offer()
        offer = offer.rstrip() + "\r\na=rid:q send\r\na=rid:h send\r\na=simulcast:send q;h\r\n"
        answer = await forwarder.pc.accept_offer(offer)
        assert "a=rid:h recv\r\na=simulcast:recv q;h" in answer
        await client.pc.accept_answer(answer)
        mid, rid = video.extension_id(MID_URI), video.extension_id(RID_URI)
        assert mid is not None
        assert rid is not None
        for ssrc, name in ((11, b"q"), (22, b"h")):
            profile, block = encode_extensions({mid: b"7", rid: name})
            video.send(RtpPacket(96, 1, 1, ssrc, b"x", extension_profile=profile, extension=block))
            video.send(RtpPacket(96, 2, 1, ssrc, b"y"))
        got = [await asyncio.wait_for(forwarder.packets.get(), WAIT) for _ in range(4)]
        assert [(number, name) for number, _, name in got] == [("7", "q"), ("7", "q"), ("7", "h"), ("7", "h")]


async def test_media_continues_after_an_ice_restart() -> None:
    async with connected_media() as (client, forwarder):
        track = client.publish("TR_cid")
        await negotiate(client.pc, forwarder.pc)
        await negotiate(client.pc, forwarder.pc, ice_restart=True)
        await client.until(lambda: client.pc.state is PeerState.CONNECTED)
        assert track.send(packet(track, 1))
        assert (await asyncio.wait_for(forwarder.packets.get(), WAIT))[0] == "7"


async def test_answerer_offers_later() -> None:
    """A server with a connection of its own for subscribers: data channels first, then a section for each track."""
    server, subscriber = Watched(ours()), Forwarder()
    assert isinstance(server.peer, RtcPeerConnection)
    server.open(RELIABLE)
    await negotiate(server.peer, subscriber.pc)
    await server.until_open("_reliable")
    section = server.peer.add_transceiver(MediaKind.AUDIO, Direction.SENDONLY, [OPUS])
    section.stream_id = MediaStreamId("PA_x|TR_y", "TR_y")
    negotiated: list[str] = []
    server.peer.on_negotiated = lambda: negotiated.append("server")
    subscriber.pc.on_negotiated = lambda: negotiated.append("subscriber")
    await negotiate(server.peer, subscriber.pc)
    assert negotiated == ["subscriber", "server"]
    assert section.send(packet(section, 1))
    assert (await asyncio.wait_for(subscriber.packets.get(), WAIT))[0] == "1"
    own = subscriber.pc.add_transceiver(MediaKind.AUDIO, Direction.SENDONLY, [OPUS])
    await negotiate(subscriber.pc, server.peer)
    assert own.mid == "2"
    await server.peer.close()
    await subscriber.pc.close()


async def test_new_section_bundles_data_channels_of_an_offer_without_bundle() -> None:
    a, b = ours(), ours()
    offer = "\r\n".join(line for line in (await a.create_offer()).split("\r\n") if not line.startswith("a=group"))
    await b.accept_offer(offer)
    b.add_transceiver(MediaKind.AUDIO, Direction.SENDONLY, [OPUS])
    assert "a=group:BUNDLE 0 1\r\n" in await b.create_offer()
    await a.close()
    await b.close()


async def test_media_is_answered_as_inactive_if_the_application_has_no_part_in_it() -> None:
    client, plain = Client(), ours()
    answer = await plain.accept_offer(await client.pc.create_offer())
    assert answer.count("a=inactive") == 6
    assert plain.transceivers == ()
    assert not plain.send_rtcp([PictureLossIndication(sender_ssrc=1, media_ssrc=2)])
    await client.pc.accept_answer(answer)
    assert {each.current_direction for each in client.pc.transceivers} == {Direction.INACTIVE}
    later = plain.add_transceiver(MediaKind.AUDIO, Direction.SENDONLY, [OPUS])
    await negotiate(plain, client.pc)
    assert (later.mid, client.pc.transceivers[-1].mid) == ("7", "7")
    await client.pc.close()
    await plain.close()


async def test_answer_that_does_not_match_is_rejected() -> None:
    client, forwarder = Client(), Forwarder()
    answer = await forwarder.pc.accept_offer(await client.pc.create_offer())
    with pytest.raises(SdpError, match="answer"):
        await client.pc.accept_answer(answer + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n")
    await client.pc.accept_answer(answer)
    await client.pc.close()
    await forwarder.pc.close()


async def test_exception_in_on_offer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("of the application")

    client, server = Client(), ours()
    server.on_offer = fail
    await negotiate(client.pc, server)
    assert [record.message for record in caplog.records] == ["a callback of the peer connection failed"]
    await client.pc.close()
    await server.close()


DATA_ONLY = """
import asyncio, sys
from livekit.webrtc import ChannelOptions, create_peer_connection

async def main():
    a, b = create_peer_connection(), create_peer_connection()
    opened = asyncio.Event()
    a.create_channel(ChannelOptions(label="_reliable")).on_open = opened.set
    offer = await a.create_offer()
    print(offer)
    await a.accept_answer(await b.accept_offer(offer))
    await asyncio.wait_for(opened.wait(), 10)
    await a.close()
    await b.close()

asyncio.run(main())
media = ("media", "srtp", "rtp", "transceiver", "codec", "router")
print(*[name for name in sys.modules if name.startswith("livekit.webrtc") and any(word in name for word in media)])
"""


def test_connections_for_data_load_no_media() -> None:
    result = subprocess.run([sys.executable, "-c", DATA_ONLY], capture_output=True, text=True, check=True)
    *offer, modules = result.stdout.splitlines()
    assert modules == ""
    assert [line for line in offer if line.startswith("m=")] == ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel"]
