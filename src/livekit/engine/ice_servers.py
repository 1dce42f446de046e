"""Which STUN and TURN servers a connection uses."""

from __future__ import annotations

from livekit.enums import IceTransportType
from livekit.options import RoomOptions
from livekit.protocol import rtc
from livekit.webrtc import IceServerSettings, PeerOptions

__all__ = ["peer_options"]


def peer_options(options: RoomOptions, offered: tuple[rtc.ICEServer, ...]) -> PeerOptions:
    """`offered`: those that the LiveKit server names."""
    config = options.rtc_config
    if config is not None and config.ice_servers:
        servers = [
            IceServerSettings(urls=list(server.urls), username=server.username, credential=server.password)
            for server in config.ice_servers
        ]
    else:
        # STUN servers are left out: a LiveKit server answers checks to whatever address they come from (RFC 8445
        # section 7.3.1.3), and asking them would only make gathering wait.
        servers = [
            IceServerSettings(urls=turn, username=server.username, credential=server.credential)
            for server in offered
            if (turn := [url for url in server.urls if url.startswith("turn")])
        ]
    relay_only = config is not None and config.ice_transport_type == IceTransportType.TRANSPORT_RELAY
    return PeerOptions(ice_servers=servers, relay_only=relay_only)
