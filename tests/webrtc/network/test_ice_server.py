from __future__ import annotations

import pytest

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
    assert server is not None
    assert (server.scheme, server.host, server.port, server.transport) == expected
    assert (server.username, server.credential) == ("u", "c")


@pytest.mark.parametrize("url", ["", "http://example.org", "stun:", "turn:host:port"])
def test_other_urls_are_rejected(url: str) -> None:
    assert IceServer.parse(url, IceServerSettings(urls=[url])) is None
