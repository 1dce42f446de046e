"""Routing of packets on a shared port."""

from __future__ import annotations

import pytest

from livekit.webrtc.ice import Address
from livekit.webrtc.ice.mux import MAX_ADDRESSES, MAX_UFRAGS, IceMux
from livekit.webrtc.ice.stun import Attribute, MessageClass, StunMessage

CLIENT = ("192.0.2.1", 5000)
DTLS = b"\x16data"


def request(ufrag: str, message_class: MessageClass = MessageClass.REQUEST) -> bytes:
    message = StunMessage(message_class)
    message.attributes[Attribute.USERNAME] = f"{ufrag}:remote".encode()
    return message.encode(b"password")


@pytest.fixture
def mux() -> IceMux[str, str]:
    mux: IceMux[str, str] = IceMux()
    mux.accept("alice", "aaaa")
    mux.accept("bob", "bbbb")
    return mux


def test_requests_are_routed_by_username_fragment_and_the_rest_by_address(mux: IceMux[str, str]) -> None:
    assert mux.addressee(DTLS, CLIENT, "socket") is None
    assert mux.addressee(request("aaaa"), CLIENT, "socket") == "alice"
    for data in (DTLS, request("aaaa", MessageClass.SUCCESS), b"\x80rtp"):
        assert mux.addressee(data, CLIENT, "socket") == "alice"
    assert mux.addressee(DTLS, ("192.0.2.1", 5001), "socket") is None


@pytest.mark.parametrize("data", [b"", b"\0", b"\0" * 40, request("none"), request("aaaa", MessageClass.INDICATION)])
def test_other_packets_have_no_addressee(mux: IceMux[str, str], data: bytes) -> None:
    assert mux.addressee(data, CLIENT, "socket") is None
    assert mux.addressee(DTLS, CLIENT, "socket") is None


def test_an_address_belongs_to_the_peer_of_its_last_request(mux: IceMux[str, str]) -> None:
    mux.addressee(request("aaaa"), CLIENT, "one")
    mux.addressee(request("bbbb"), CLIENT, "two")
    assert (mux.addressee(DTLS, CLIENT, "one"), mux.socket_for(CLIENT)) == ("bob", "two")
    mux.remove("alice")
    assert mux.addressee(DTLS, CLIENT, "one") == "bob"
    mux.remove("bob")
    assert (mux.addressee(DTLS, CLIENT, "one"), mux.socket_for(CLIENT)) == (None, None)
    assert mux.addressee(request("bbbb"), CLIENT, "one") is None
    assert len(mux) == 0


def test_sending_expects_responses_without_taking_an_address_from_another_peer(mux: IceMux[str, str]) -> None:
    mux.sent("alice", CLIENT, "socket")
    assert mux.addressee(request("x", MessageClass.SUCCESS), CLIENT, "socket") == "alice"
    mux.sent("bob", CLIENT, "socket")
    assert mux.addressee(DTLS, CLIENT, "socket") == "alice"
    mux.sent("gone", ("192.0.2.9", 1), "socket")
    assert mux.addressee(DTLS, ("192.0.2.9", 1), "socket") is None


def test_both_username_fragments_of_an_ice_restart_are_accepted(mux: IceMux[str, str]) -> None:
    for ufrag in ("aaab", "aaab", "aaac"):
        mux.accept("alice", ufrag)
    accepted = [ufrag for ufrag in ("aaaa", "aaab", "aaac") if mux.requested_peer(request(ufrag))]
    assert accepted == ["aaab", "aaac"]
    assert len(accepted) == MAX_UFRAGS


def test_addresses_are_bounded(mux: IceMux[str, str]) -> None:
    addresses: list[Address] = [("192.0.2.2", port) for port in range(1, MAX_ADDRESSES + 2)]
    mux.addressee(request("bbbb"), CLIENT, "socket")
    for address in addresses:
        mux.addressee(request("aaaa"), address, "socket")
    assert mux.addressee(DTLS, addresses[0], "socket") is None
    assert all(mux.addressee(DTLS, address, "socket") == "alice" for address in addresses[1:])
    assert mux.addressee(DTLS, CLIENT, "socket") == "bob"
