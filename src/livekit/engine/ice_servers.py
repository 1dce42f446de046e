"""The STUN and TURN servers of a connection."""

from __future__ import annotations

from livekit.enums import IceTransportType
from livekit.errors import ConnectError
from livekit.options import IceServer, RoomOptions
from livekit.protocol import rtc
from livekit.webrtc import IceServerSettings, PeerOptions, check_ice_servers

__all__ = ["check_options", "peer_options"]


def check_options(options: RoomOptions) -> None:
    """Check the user's ICE servers.

    Raises:
        ConnectError: one is not valid; the message says which part of it.
    """
    config = options.rtc_config
    try:
        for server in config.ice_servers if config is not None else ():
            if not server.urls:
                raise ValueError("an ICE server has no urls")
            check_ice_servers(_settings(server))
    except ValueError as error:
        raise ConnectError(f"{error} (RoomOptions.rtc_config)") from None


def peer_options(options: RoomOptions, announced: tuple[rtc.ICEServer, ...]) -> PeerOptions:
    """Return the options of a peer connection: the user's ICE servers if any, else the TURN servers `announced` by the
    LiveKit server."""
    config = options.rtc_config
    if config is not None and config.ice_servers:
        servers = [_settings(server) for server in config.ice_servers]
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


def _settings(server: IceServer) -> IceServerSettings:
    return IceServerSettings(urls=list(server.urls), username=server.username, credential=server.password)
