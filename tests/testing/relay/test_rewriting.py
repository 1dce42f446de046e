from __future__ import annotations

import json

import pytest

from livekit.protocol import rtc
from livekit.signaling.join_request import encode_join_request
from livekit.testing.relay.rewriting import decode_join_request, hide_client, hide_client_in_join, redirect_server

UDP = "candidate:1 1 udp 2130706431 10.0.0.7 5000 typ host"
TCP = "candidate:2 1 tcp 1671430143 10.0.0.7 7881 typ host tcptype passive"
MDNS = "candidate:3 1 udp 2130706431 a.local 5000 typ host"
SDP = f"v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na={UDP}\r\na={TCP}\r\na={MDNS}\r\na=mid:0\r\n"


async def locate(address: tuple[str, int]) -> tuple[str, int]:
    assert address == ("10.0.0.7", 5000)
    return "127.0.0.1", 6000


@pytest.mark.parametrize("kind", ["offer", "answer"])
async def test_server_candidates_are_redirected_to_the_relay_or_removed(kind: str) -> None:
    message = rtc.SignalResponse()
    changed: rtc.SessionDescription = getattr(message, kind)
    changed.CopyFrom(rtc.SessionDescription(type=kind, sdp=SDP, id=3))
    assert await redirect_server(message, locate)
    assert changed.id == 3
    assert changed.sdp == (
        "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        "a=candidate:1 1 udp 2130706431 127.0.0.1 6000 typ host\r\na=mid:0\r\n"
    )


async def test_trickled_server_candidates_are_redirected() -> None:
    message = rtc.SignalResponse(
        trickle=rtc.TrickleRequest(candidateInit=json.dumps({"candidate": UDP, "sdpMid": "0"}))
    )
    assert await redirect_server(message, locate)
    init = json.loads(message.trickle.candidateInit)
    assert init["sdpMid"] == "0"
    assert "127.0.0.1 6000" in init["candidate"]
    for dropped in (TCP, MDNS, "nonsense"):
        message.trickle.candidateInit = json.dumps({"candidate": dropped})
        assert not await redirect_server(message, locate)
    message.trickle.candidateInit = json.dumps({"candidate": ""})
    assert await redirect_server(message, locate), "end of candidates"


async def test_paths_around_the_relay_are_removed() -> None:
    servers = [rtc.ICEServer(urls=["turn:turn.example.com"])]
    joined = rtc.SignalResponse(join=rtc.JoinResponse(ice_servers=servers, alternative_url="wss://other.example.com"))
    resumed = rtc.SignalResponse(reconnect=rtc.ReconnectResponse(ice_servers=servers))
    moved = rtc.SignalResponse(leave=rtc.LeaveRequest(regions=rtc.RegionSettings()))
    for message in (joined, resumed, moved):
        assert await redirect_server(message, locate)
    assert not joined.join.ice_servers
    assert not joined.join.alternative_url
    assert not resumed.reconnect.ice_servers
    assert not moved.leave.HasField("regions")


def test_client_candidates_are_removed() -> None:
    sdp = SDP + "a=end-of-candidates\r\n"
    request = rtc.SignalRequest(offer=rtc.SessionDescription(sdp=sdp))
    assert hide_client(request)
    assert "candidate" not in request.offer.sdp
    assert not hide_client(rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit="{}")))
    assert hide_client(rtc.SignalRequest(ping=1))


@pytest.mark.parametrize("padding", [1, 10_000], ids=["plain", "compressed"])
def test_client_candidates_in_the_join_request_are_removed(padding: int) -> None:
    offer = rtc.SessionDescription(sdp=SDP + "a=x\r\n" * padding)
    encoded = encode_join_request(rtc.JoinRequest(publisher_offer=offer, metadata="kept"))
    hidden = decode_join_request(hide_client_in_join(encoded))
    assert hidden.metadata == "kept"
    assert "candidate" not in hidden.publisher_offer.sdp
    assert decode_join_request(hide_client_in_join(encode_join_request(rtc.JoinRequest(metadata="x")))).metadata == "x"
