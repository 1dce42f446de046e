from __future__ import annotations

import pytest

from livekit import IceServer, Room, RtcConfiguration
from livekit.engine.ice_servers import peer_options
from livekit.enums import IceTransportType
from livekit.errors import ConnectError
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


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        (IceServer(urls=["stun:mine.example", "bad"]), "'bad' is not valid: its scheme"),
        (IceServer(urls=["turn:mine.example"]), "needs a username"),
        (IceServer(urls=[]), "no urls"),
        (IceServer(urls="stun:mine.example"), "'s' is not valid"),
    ],
)
async def test_invalid_servers_of_the_user_fail_the_join_before_it_begins(server: IceServer, problem: str) -> None:
    options = RoomOptions(rtc_config=RtcConfiguration(ice_servers=[server]))
    with pytest.raises(ConnectError, match=problem):
        await Room().connect("ws://127.0.0.1:1", "token", options)
