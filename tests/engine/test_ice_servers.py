from __future__ import annotations

from livekit import IceServer, RtcConfiguration
from livekit.engine.ice_servers import peer_options
from livekit.enums import IceTransportType
from livekit.options import RoomOptions
from livekit.protocol import rtc

ANNOUNCED = (
    rtc.ICEServer(urls=["stun:stun.example", "turn:turn.example"], username="u", credential="c"),
    rtc.ICEServer(urls=["stun:stun.example"]),
)


def test_announced_turn_servers_are_used_without_stun() -> None:
    options = peer_options(RoomOptions(), ANNOUNCED)
    assert [(server.urls, server.username, server.credential) for server in options.ice_servers] == [
        (["turn:turn.example"], "u", "c")
    ]
    assert not options.relay_only


def test_users_servers_replace_the_announced_ones() -> None:
    mine = IceServer(urls=["stun:mine.example"], username="me", password="secret")
    config = RtcConfiguration(ice_transport_type=IceTransportType.TRANSPORT_RELAY, ice_servers=[mine])
    options = peer_options(RoomOptions(rtc_config=config), ANNOUNCED)
    assert [(server.urls, server.username, server.credential) for server in options.ice_servers] == [
        (["stun:mine.example"], "me", "secret")
    ]
    assert options.relay_only
