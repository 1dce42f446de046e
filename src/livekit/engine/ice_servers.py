"""The STUN and TURN servers of a connection."""

from __future__ import annotations

from livekit.enums import IceTransportType
from livekit.options import RoomOptions
from livekit.protocol import rtc
from livekit.webrtc import IceServerSettings, PeerOptions

__all__ = ["peer_options"]


def peer_options(options: RoomOptions, announced: tuple[rtc.ICEServer, ...]) -> PeerOptions:
    """Return the options of a peer connection: the user's ICE servers if any, else the TURN servers `announced` by the
    LiveKit server."""
    config = options.rtc_config
    if config is not None and config.ice_servers:
        servers = [
            IceServerSettings(urls=list(server.urls), username=server.username, credential=server.password)
            for server in config.ice_servers
        ]
    else:
        # No STUN servers: a LiveKit server answers checks to the address they arrive from (peer-reflexive candidates,
        # RFC 8445 section 7.3.1.3), and querying them would only delay gathering.
        servers = [
            IceServerSettings(urls=turn, username=server.username, credential=server.credential)
            for server in announced
            if (turn := [url for url in server.urls if url.startswith("turn")])
        ]
    relay_only = config is not None and config.ice_transport_type == IceTransportType.TRANSPORT_RELAY
    return PeerOptions(ice_servers=servers, relay_only=relay_only)
