"""WebRTC data channels. The rest of the package depends on :mod:`livekit.webrtc.interfaces` only."""

from __future__ import annotations

from .interfaces import (
    ChannelError,
    ChannelOptions,
    DataChannel,
    IceServerSettings,
    PeerConnection,
    PeerOptions,
    PeerState,
)

__all__ = [
    "ChannelError",
    "ChannelOptions",
    "DataChannel",
    "IceServerSettings",
    "PeerConnection",
    "PeerOptions",
    "PeerState",
    "create_peer_connection",
]


def create_peer_connection(options: PeerOptions | None = None) -> PeerConnection:
    """Create a peer connection on the running event loop."""
    from .peer_connection import RtcPeerConnection  # loads OpenSSL, which in-memory rooms do not need

    return RtcPeerConnection(options or PeerOptions())
