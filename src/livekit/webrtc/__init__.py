"""WebRTC data channels. The rest of the package depends on :mod:`livekit.webrtc.interfaces` only."""

from __future__ import annotations

from importlib import import_module
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
    from .media_interfaces import MediaPeerConnection
    from .network.shared_ports import SharedPorts

__all__ = [
    "ChannelError",
    "ChannelOptions",
    "DataChannel",
    "IceServerSettings",
    "PeerConnection",
    "PeerOptions",
    "PeerState",
    "check_ice_servers",
    "create_peer_connection",
    "create_shared_ports",
    "load_peer_connections",
]


def load_peer_connections() -> None:
    """Load what the first peer connection needs, for a process that must be able to open one without free descriptors
    for files: modules and a certificate."""
    from .certificate import local_certificate
    from .dtls import DtlsTransport

    import_module(".peer_connection", __name__)
    DtlsTransport(local_certificate(), is_client=False, fingerprints=[])


def create_peer_connection(options: PeerOptions | None = None, ports: SharedPorts | None = None) -> MediaPeerConnection:
    """Create a peer connection on the running event loop; it uses `ports` instead of its own where they are open."""
    from .peer_connection import RtcPeerConnection  # loads OpenSSL, which in-memory rooms do not need

    return RtcPeerConnection(options or PeerOptions(), ports)


def check_ice_servers(settings: IceServerSettings) -> None:
    """Raise ValueError if these are neither STUN servers nor TURN servers with credentials; the message says why."""
    from .network.ice_server import IceServer

    for url in settings.urls:
        try:
            server = IceServer.parse(url, settings)
            if server.scheme.startswith("turn") and not (settings.username and settings.credential):
                raise ValueError("a TURN server needs a username and a password")
        except ValueError as error:
            raise ValueError(f"the ICE server's URL {url!r} is not valid: {error}") from None


def create_shared_ports() -> SharedPorts:
    """Create ports that many peer connections share; `open_udp` and `open_tcp` open them."""
    from .network.shared_ports import SharedPorts

    return SharedPorts()
