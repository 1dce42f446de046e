"""WebRTC data channels. The rest of the package depends on :mod:`livekit.webrtc.interfaces` only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .interfaces import (
    ChannelError,
    ChannelOptions,
    DataChannel,
    IceServerSettings,
    PeerConnection,
    PeerOptions,
    PeerState,
)

if TYPE_CHECKING:
    from .network.shared_ports import SharedPorts

__all__ = [
    "ChannelError",
    "ChannelOptions",
    "DataChannel",
    "IceServerSettings",
    "PeerConnection",
    "PeerOptions",
    "PeerState",
    "create_peer_connection",
    "create_shared_ports",
]


def create_peer_connection(options: PeerOptions | None = None, ports: SharedPorts | None = None) -> PeerConnection:
    """Create a peer connection on the running event loop; it uses `ports` instead of its own where they are open."""
    from .peer_connection import RtcPeerConnection  # loads OpenSSL, which in-memory rooms do not need

    return RtcPeerConnection(options or PeerOptions(), ports)


def create_shared_ports() -> SharedPorts:
    """Create ports that many peer connections share; `open_udp` and `open_tcp` open them."""
    from .network.shared_ports import SharedPorts

    return SharedPorts()
