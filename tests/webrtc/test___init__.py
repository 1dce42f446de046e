from __future__ import annotations

from livekit.webrtc import PeerOptions, PeerState, create_peer_connection
from livekit.webrtc.peer_connection import RtcPeerConnection


async def test_create_peer_connection() -> None:
    for options in (None, PeerOptions(consent_timeout=1.0)):
        peer = create_peer_connection(options)
        assert isinstance(peer, RtcPeerConnection)
        assert peer.state is PeerState.NEW
        await peer.close()
