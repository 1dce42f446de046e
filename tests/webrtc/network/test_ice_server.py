from __future__ import annotations

import pytest

from livekit.webrtc import check_ice_servers
from livekit.webrtc.interfaces import IceServerSettings
from livekit.webrtc.network.ice_server import IceServer


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("stun:stun.example.org", ("stun", "stun.example.org", 3478, "udp")),
        ("stuns:stun.example.org", ("stuns", "stun.example.org", 5349, "tcp")),
        ("turn:10.0.0.1:443?transport=tcp", ("turn", "10.0.0.1", 443, "tcp")),
        ("turns:turn.example.org:443", ("turns", "turn.example.org", 443, "tcp")),
        ("turn:[2001:db8::1]:3479", ("turn", "2001:db8::1", 3479, "udp")),
    ],
)
def test_urls_of_rfc_7064_and_7065(url: str, expected: tuple[str, str, int, str]) -> None:
    server = IceServer.parse(url, IceServerSettings(urls=[url], username="u", credential="c"))
    assert (server.scheme, server.host, server.port, server.transport) == expected
    assert (server.username, server.credential) == ("u", "c")


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("", "scheme"),
        ("stun.example.org", "scheme"),
        ("http://example.org", "scheme"),
        ("stun:", "host is missing"),
        ("stun::3478", "host is missing"),
        ("turn://example.org", "slashes"),
        ("turn:user@example.org", "`username`"),
        ("turn:user:password@example.org", "several colons|port"),
        ("turn:example.org/path", "characters"),
        ("turn:example.org ", "white space"),
        ("turn:host:port", "port"),
        ("turn:host:0", "port"),
        ("turn:host:65536", "port"),
        ("turn:host:-1", "port"),
        ("turn:host:", "port"),
        ("stun:::1", "brackets"),
        ("stun:2001:db8::1", "brackets"),
        ("stun:[::1", "characters|several colons|IPv6"),
        ("stun:[host]", "IPv6"),
        ("stun:host?transport=udp", "query"),
        ("turn:host?transport=sctp", "transport=udp or transport=tcp"),
        ("turn:host?other=udp", "transport=udp or transport=tcp"),
        ("turn:host?transport=udp&x=1", "transport=udp or transport=tcp"),
    ],
)
def test_error_names_the_malformed_part(url: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        IceServer.parse(url, IceServerSettings(urls=[url], username="u", credential="c"))


@pytest.mark.parametrize(("username", "credential"), [("", ""), ("u", ""), ("", "c")])
def test_turn_servers_need_credentials(username: str, credential: str) -> None:
    with pytest.raises(ValueError, match="username and a password"):
        check_ice_servers(IceServerSettings(urls=["turn:host"], username=username, credential=credential))


def test_schemes_are_case_insensitive() -> None:
    assert IceServer.parse("STUN:host", IceServerSettings(urls=["STUN:host"])).scheme == "stun"
