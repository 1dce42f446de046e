from __future__ import annotations

from livekit.webrtc.interfaces import PeerOptions
from livekit.webrtc.media_interfaces import Direction, MediaKind
from livekit.webrtc.peer_media import PeerMedia
from livekit.webrtc.sdp import SessionDescription
from livekit.webrtc.transport import PeerTransport
from tests.webrtc.media_descriptions import SDK_OFFER, SERVER_ANSWER
from tests.webrtc.media_peers import OPUS, RED


async def test_answer_applies_the_offer() -> None:
    transport = PeerTransport(PeerOptions())
    media = PeerMedia(transport)
    offer = SessionDescription.parse(SDK_OFFER)
    media.negotiation.receive_offer(offer.media, offer.bundled_mids())
    track = media.negotiation.transceivers[2]
    track.direction = Direction.RECVONLY
    assert media.answer().keys() == {"0", "3", "7", "8"}
    assert media._router._streams == {1829603358: (track, "")}
    await transport.close()


async def test_answer_of_the_peer_is_applied() -> None:
    transport = PeerTransport(PeerOptions())
    media = PeerMedia(transport)
    offered = SessionDescription.parse(SERVER_ANSWER).media
    for _ in range(2):
        media.negotiation.add(MediaKind.AUDIO, Direction.RECVONLY, [OPUS, RED])
    media.negotiation.add_sections([])
    media.receive_answer(offered, offered)
    assert media._router._streams == {1514813758: (media.negotiation.transceivers[0], "")}
    await transport.close()
