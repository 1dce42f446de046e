"""Data channels over WebRTC. :mod:`livekit.webrtc.interfaces` is all that the rest of the package uses."""

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
    """Make a peer connection on the running event loop."""
    from .peer import DataPeerConnection  # loads OpenSSL, which a room in memory does without

    return DataPeerConnection(options or PeerOptions())
